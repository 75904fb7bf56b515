/**
 * Updates under load: a name server whose Services change all the time while it is asked as much as it can take. No query may be
 * lost, and no answer may mix the old with the new.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { decodeMessage, encodeMessage, headerFlags, queryMessage, startDnsServer } from '../src/dns/index.ts';
import { mustEncodeName, rrTypes } from '../src/names/index.ts';
import { headlessOf, namespaceOf, sliceOf } from '../src/names/sample-objects.ts';
import { silentLogger } from '../src/observe/index.ts';
import { handInformers } from '../test/wire/dns-harness.ts';

export interface SoakOptions {
  readonly seconds: number;
  readonly updatesPerSecond: number;
  /** Services that change; each has its own query. */
  readonly services: number;
  readonly udpWorkers: number;
  /** 0 to 1. */
  readonly random: () => number;
  /** Queries under way at most: less than any socket buffer holds, so that what is lost is lost by the server. Default 100. */
  readonly window?: number;
}

export interface SoakResult {
  readonly queries: number;
  readonly updates: number;
  readonly lost: number;
  /** Answers that are none of the states that the Service has had. */
  readonly mixed: number;
  /** Answers older than one that was given before to a later query. */
  readonly wentBack: number;
  readonly p99Ms: number;
}

/**
 * Runs it. Each state of a Service is a set of addresses that all carry the state's number and of which there are as many as the
 * number says, so that an answer that was put together from two states is seen as such.
 */
export async function soakDns(options: SoakOptions): Promise<SoakResult> {
  const informers = handInformers();
  informers.namespaces.apply(namespaceOf('default'));
  const states = Array.from({ length: options.services }, () => 0);
  const change = (at: number): void => {
    const state = (states[at] ?? 0) + 1;
    states[at] = state;
    const addresses = Array.from({ length: 2 + (state % sizes) }, (_, index) =>
      `10.${(state >> 16) & 255}.${(state >> 8) & 255}.${state & 255}`.replace(/^10/, String(11 + index)),
    );
    informers.endpointSlices.apply(sliceOf(`s-${at}`, addresses, [{ name: 'http', port: 80 }]));
  };
  for (let at = 0; at < options.services; at++) {
    informers.services.apply(headlessOf(`s-${at}`, { ports: [{ name: 'http', port: 80 }] }));
    change(at);
  }
  for (const informer of Object.values(informers)) informer.finishSync();
  const server = await startDnsServer(
    { source: { informers }, listen: { address: '127.0.0.1', port: 0 }, udpWorkers: options.udpWorkers },
    { logger: silentLogger },
  );
  await server.ready;
  const load = new Load(server.addresses[0]?.port ?? 0, options);
  await load.start();
  const startedMs = performance.now();
  let updates = 0;
  while (performance.now() - startedMs < options.seconds * 1000) {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * options.updatesPerSecond);
    for (; updates < due; updates++) change(Math.floor(options.random() * options.services));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const counts = await load.stop();
  await server.close();
  return { ...counts, updates };
}

const sizes = 7;

/** A client that keeps `window` queries under way. */
class Load {
  readonly #socket: Socket = createSocket({ type: 'udp4', recvBufferSize: 2 ** 20 });
  readonly #port: number;
  readonly #options: SoakOptions;
  readonly #sent = new Map<number, { readonly service: number; readonly atMs: number; readonly least: number }>();
  /** The newest state seen in an answer, by Service. */
  readonly #seen: number[];
  readonly #latencies: number[] = [];
  #id = 0;
  #isStopping = false;
  #counts = { queries: 0, lost: 0, mixed: 0, wentBack: 0 };

  constructor(port: number, options: SoakOptions) {
    this.#port = port;
    this.#options = options;
    this.#seen = Array.from({ length: options.services }, () => 0);
  }

  async start(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.bind(0, '127.0.0.1', resolve);
    await promise;
    this.#socket.on('message', (bytes) => this.#receive(bytes));
    for (let count = 0; count < (this.#options.window ?? 100); count++) this.#send();
  }

  /** Stops asking, waits for what is under way, and counts. */
  async stop(): Promise<Omit<SoakResult, 'updates'>> {
    this.#isStopping = true;
    const deadline = performance.now() + 5_000;
    while (this.#sent.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    this.#socket.close();
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    return { ...this.#counts, lost: this.#sent.size, p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0 };
  }

  #send(): void {
    if (this.#isStopping) return;
    // an id that is still under way was lost or is slow: it stays in the books
    do this.#id = (this.#id + 1) & 0xffff;
    while (this.#sent.has(this.#id));
    const service = Math.floor(this.#options.random() * this.#options.services);
    const name = `${mustEncodeName(`s-${service}.default.svc.cluster.local`)}\0`;
    this.#sent.set(this.#id, { service, atMs: performance.now(), least: this.#seen[service] ?? 0 });
    this.#counts.queries++;
    this.#socket.send(encodeMessage(queryMessage(this.#id, name, rrTypes.A, headerFlags.RD)), this.#port, '127.0.0.1');
  }

  #receive(bytes: Uint8Array): void {
    const { id, answers } = decodeMessage(bytes);
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    this.#sent.delete(id);
    if (this.#latencies.length < 1_000_000) this.#latencies.push(performance.now() - sent.atMs);
    const states = new Set(answers.map(({ data }) => ((data[1] ?? 0) << 16) | ((data[2] ?? 0) << 8) | (data[3] ?? 0)));
    const [state = -1] = states;
    if (states.size !== 1 || answers.length !== 2 + (state % sizes)) this.#counts.mixed++;
    // one thread answers one socket, in order of arrival: what was seen before this was asked is the least it may say
    else if (state < sent.least) this.#counts.wentBack++;
    else this.#seen[sent.service] = Math.max(this.#seen[sent.service] ?? 0, state);
    this.#send();
  }
}
