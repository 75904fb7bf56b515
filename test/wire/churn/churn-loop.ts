/**
 * A cluster's life in miniature: objects change at random, and after every sync the rows in the kernel of both nodes are those of a
 * computation from scratch, and packets land where `routing` says. The run is the same for the same seed, but for the kernel's own draws.
 */
import assert from 'node:assert/strict';
import { SeededRandom } from '../../../bench/shapes/seeded-random.ts';
import { dumpRows, dumpStructure, findFaults, tableOf } from '../../../src/agent/index.ts';
import type { CounterName } from '../../../src/agent/index.ts';
import type { IpFamily } from '../../../src/net/index.ts';
import { mustParseCidr } from '../../../src/net/index.ts';
import { messageOf } from '../../../src/observe/index.ts';
import type { AgentLab } from '../agent-lab.ts';
import { Clients, servedIn, startBackends } from './clients.ts';
import type { ChurnCounts } from './counts.ts';
import { noCounts } from './counts.ts';
import { damageRows } from './damage.ts';
import type { NodeRoutes } from './decisions.ts';
import { routesOf } from './decisions.ts';
import type { Expectation, Question } from './expected-answer.ts';
import { expectedAnswer, expectedSource } from './expected-answer.ts';
import { assertHealthChecks } from './health-checks.ts';
import { Pins } from './pins.ts';
import { drawQuestion } from './questions.ts';
import { RandomCluster, secondAddress } from './random-cluster.ts';
import { textOfRoutes, textOfRows } from './table-text.ts';
import { Talkers } from './talkers.ts';

export interface ChurnOptions {
  readonly seed: number;
  /** Begins no further round after this time, if there were `minRounds` by then. */
  readonly seconds: number;
  /** However slow the machine. Default: 0. */
  readonly minRounds?: number;
  /** Nor after so many. Default: no limit. */
  readonly rounds?: number;
  /** Called once in a while with what was done so far. */
  readonly report?: (counts: ChurnCounts) => void;
}

const nodes = ['n1', 'n2'] as const;
const families = ['IPv4', 'IPv6'] as const;
const questionsPerRound = 4;
const maxHeld = 6;
const maxAsked = 12;
const reportMs = 10_000;

/** Runs it. Rejects with an `Error` that names the seed, the round and its changes at the first thing that is not as it must be. */
export async function churn(lab: AgentLab, options: ChurnOptions): Promise<ChurnCounts> {
  const closeBackends = await startBackends(lab);
  for (const node of nodes) {
    const { routes, namespace } = lab.place(node);
    routes.addAddress('eth0', mustParseCidr(`${secondAddress(node)}/16`));
    // so that as many refusals are heard as possible
    for (const name of ['net.ipv4.icmp_ratelimit', 'net.ipv6.icmp.ratelimit']) await lab.thread.writeSysctl(namespace, name, 0);
    // so that no flow runs out between two datagrams of a client, however slow the machine
    for (const name of ['udp_timeout', 'udp_timeout_stream'])
      await lab.thread.writeSysctl(namespace, `net.netfilter.nf_conntrack_${name}`, 600);
  }
  const run = new Churn(lab, options.seed);
  const endMs = performance.now() + options.seconds * 1000;
  let reportedMs = performance.now();
  try {
    const { rounds = Number.POSITIVE_INFINITY, minRounds = 0 } = options;
    while (run.counts.rounds < rounds && (performance.now() < endMs || run.counts.rounds < minRounds)) {
      await run.round();
      if (performance.now() - reportedMs < reportMs) continue;
      reportedMs = performance.now();
      options.report?.(run.counts);
    }
    run.assertNoneMissed();
    return run.counts;
  } finally {
    run.close();
    closeBackends();
  }
}

/** Compares the rows of one table with a computation from scratch. Throws `AssertionError`. */
export function assertRows(lab: AgentLab, routes: NodeRoutes): void {
  const nftables = lab.nftables.get(routes.nodeName);
  assert.ok(nftables !== undefined);
  const rows = textOfRows(dumpRows(nftables, routes.family), routes.family);
  assert.deepEqual(rows, textOfRoutes(routes), `${routes.family} rows of ${routes.nodeName}`);
}

class Churn {
  readonly counts: ChurnCounts;
  readonly #lab: AgentLab;
  readonly #cluster: RandomCluster;
  readonly #clients: Clients;
  readonly #pins = new Pins();
  /** How the agents were started, by node. */
  readonly #masqueradesAll = new Map<string, boolean>();
  readonly #talkers: Talkers;
  /** The last questions, to be asked again. */
  readonly #asked: Question[] = [];
  #routes: ReadonlyMap<IpFamily, ReadonlyMap<string, NodeRoutes>> = new Map();

  constructor(lab: AgentLab, seed: number) {
    this.#lab = lab;
    this.#cluster = new RandomCluster(lab, seed);
    this.#clients = new Clients(lab);
    this.#talkers = new Talkers(this.#clients);
    this.counts = noCounts(seed);
  }

  /** Some changes, a sync, and everything that must hold then. */
  async round(): Promise<void> {
    const number = this.counts.rounds;
    // of its own, so that a round's questions do not depend on how many draws the changes before it took
    const random = new SeededRandom(this.counts.seed * 1_000_003 + number);
    let changes: readonly string[] = [];
    try {
      changes = await this.#change(number, random);
      this.#judgeTables(number);
      for (let index = 0; index < questionsPerRound; index++) await this.#ask(random, number % 8 === 0 && index === 0);
      await this.#talk(random, number);
      await this.#ping(number);
      if (number % 5 === 0)
        this.counts.healthChecks += await assertHealthChecks(
          this.#lab,
          this.#routesOf(random.pick(nodes), random.pick(families)),
        );
    } catch (error) {
      const where = `round ${number} of seed ${this.counts.seed}, after ${changes.join('; ')}`;
      throw new Error(`${where}:\n${messageOf(error)}`, { cause: error });
    }
    this.counts.rounds++;
  }

  /** No connection ever fell out of a chain for want of an endpoint. Throws `AssertionError`. */
  assertNoneMissed(): void {
    for (const node of nodes)
      for (const family of families) assert.equal(this.#counter(node, family, 'missed-endpoint'), 0n, node);
  }

  close(): void {
    this.#talkers.close();
    this.#clients.close();
  }

  async #change(number: number, random: SeededRandom): Promise<string[]> {
    const node = random.pick(nodes);
    const isRestart = number % 97 === 35;
    const isDamage = number % 61 === 20;
    if (isRestart) await this.#lab.agents.get(node)?.stop();
    const changes = this.#cluster.change();
    this.counts.changes += changes.length;
    if (isRestart) {
      this.counts.restarts++;
      const masqueradeAll = random.percent(40);
      this.#masqueradesAll.set(node, masqueradeAll);
      changes.push(`the agent of ${node} anew${masqueradeAll ? ', with masqueradeAll' : ''}`);
      await this.#lab.startAgent(node, { masqueradeAll });
    }
    if (isDamage) {
      this.counts.damages++;
      await this.#lab.settled();
      const nftables = this.#lab.nftables.get(node);
      assert.ok(nftables !== undefined);
      changes.push(...damageRows(nftables, random));
      this.#lab.agents.get(node)?.repair();
    }
    await this.#lab.settled();
    this.#routes = new Map(
      families.map((family) => [
        family,
        new Map(nodes.map((name) => [name, routesOf(this.#lab, name, family, this.#optionsOf(name))])),
      ]),
    );
    if (isDamage) this.#pins.forget();
    this.#pins.prune((name, family) => this.#routesOf(name, family));
    this.#talkers.prune((name, family) => this.#routesOf(name, family));
    return changes;
  }

  #judgeTables(number: number): void {
    for (const node of nodes) {
      for (const family of families) {
        assertRows(this.#lab, this.#routesOf(node, family));
        this.counts.tables++;
        if (number % 10 === 0) this.#assertStructure(node, family);
      }
    }
  }

  #assertStructure(node: string, family: IpFamily): void {
    const nftables = this.#lab.nftables.get(node);
    const structure = nftables === undefined ? undefined : dumpStructure(nftables, family);
    assert.ok(structure !== undefined, `${node} has no table`);
    const faults = findFaults(structure, family, { ...this.#optionsOf(node), detectsPods: true, dropsInvalid: true });
    const found = [
      ...faults.mustRebuild,
      ...faults.badChains,
      ...faults.missingCounters,
      ...faults.strangeChains,
      ...faults.strangeSets,
    ];
    assert.deepEqual(found, [], `${family} structure of ${node}`);
  }

  /** Often one that was asked before: only who comes back can be pinned. */
  #drawQuestion(random: SeededRandom): Question {
    const family = random.pick(families);
    if (this.#asked.length > 0 && random.percent(40)) return random.pick(this.#asked);
    const question = drawQuestion(random, this.#routesOfFamily(family), family);
    if (this.#asked.push(question) > maxAsked) this.#asked.shift();
    return question;
  }

  /** One packet, and what must come of it. */
  async #ask(random: SeededRandom, isHeld: boolean): Promise<void> {
    const question = this.#drawQuestion(random);
    const { family } = question;
    const expected = this.#expect(question);
    const before = expected.kind === 'refused' || expected.kind === 'dropped' ? this.#countOf(expected, family) : 0n;
    const startMs = performance.now();
    // a refused datagram may stay without an answer, a refused connection never
    const isAnswered = expected.kind === 'served' || (expected.kind === 'refused' && question.protocol === 'TCP');
    const answer = await this.#clients.ask(question, { isQuick: !isAnswered, isHeld });
    const what = `${question.from} (${question.client}) to ${question.address} ${question.port}/${question.protocol}`;
    this.counts[expected.kind]++;
    if (expected.kind === 'served') {
      this.#assertServed(expected, question, answer, { what, startMs });
      return;
    }
    assert.equal(servedIn(answer, family), undefined, `${what}: expected to be ${expected.kind}, answered by ${answer}`);
    if (expected.kind === 'elsewhere') return;
    assert.ok(
      this.#countOf(expected, family) > before,
      `${what}: ${answer}, and ${expected.counter} of ${expected.node} stands still`,
    );
    const legal: readonly string[] = {
      TCP: expected.kind === 'refused' ? ['refused'] : ['timeout'],
      // the kernel bounds its ICMP errors, and tells a sender on the node itself at once
      UDP: expected.kind === 'refused' ? ['refused', 'timeout', 'EPERM'] : ['timeout', 'EPERM'],
      SCTP: [],
    }[question.protocol];
    assert.ok(legal.includes(answer), `${what}: expected to be ${expected.kind}, heard ${answer}`);
  }

  #assertServed(
    expected: Extract<Expectation, { kind: 'served' }>,
    question: Question,
    answer: string,
    { what, startMs }: { readonly what: string; readonly startMs: number },
  ): void {
    const served = servedIn(answer, question.family);
    assert.ok(served !== undefined, `${what}: expected one of ${expected.endpoints.join(', ')}, heard ${answer}`);
    const pinned = this.#pins.endpointOf(expected, question, performance.now());
    if (pinned !== undefined) {
      assert.equal(served.endpoint, pinned, `${what}: the client was pinned`);
      this.counts.pinned++;
    }
    assert.ok(
      expected.endpoints.includes(served.endpoint),
      `${what}: ${served.endpoint} is none of ${expected.endpoints.join(', ')}`,
    );
    assert.equal(
      served.source,
      expectedSource(expected, question, served.endpoint),
      `${what}: source that ${served.endpoint} saw`,
    );
    const routes = this.#routesOf(expected.node, question.family);
    this.#pins.note(expected, question, served.endpoint, { routes, startMs });
  }

  async #talk(random: SeededRandom, number: number): Promise<void> {
    const family = random.pick(families);
    const draw = (): Question => drawQuestion(random, this.#routesOfFamily(family), family, 'UDP');
    const { question, answer, held } = await this.#talkers.ask(number, draw, (of) => this.#expect(of).kind === 'served');
    const what = `the UDP client of ${question.from} (${question.client}) to ${question.address} ${question.port}`;
    this.counts.talks++;
    const expected = this.#expect(question);
    const served = servedIn(answer, question.family);
    if (held !== undefined) {
      this.counts.steady++;
      assert.equal(served?.endpoint, held, `${what}: its flow was healthy`);
      return;
    }
    if (expected.kind !== 'served') {
      assert.equal(served, undefined, `${what}: expected to be ${expected.kind}, answered by ${answer}`);
      return;
    }
    this.#assertServed(expected, question, answer, { what, startMs: performance.now() });
    this.#talkers.note(number, { node: expected.node, endpoint: served?.endpoint ?? '' });
  }

  async #ping(number: number): Promise<void> {
    if (this.#clients.heldCount > maxHeld) this.#clients.dropHeld();
    if (this.#clients.heldCount === 0) return;
    assert.equal(await this.#clients.pingHeld(number % this.#clients.heldCount), 'still there?', 'a connection that was open');
    this.counts.pings++;
  }

  #optionsOf(node: string): { readonly masqueradeAll: boolean } {
    return { masqueradeAll: this.#masqueradesAll.get(node) ?? false };
  }

  #expect(question: Question): Expectation {
    return expectedAnswer(question, this.#routesOfFamily(question.family));
  }

  #countOf({ node, counter }: Extract<Expectation, { readonly counter: CounterName }>, family: IpFamily): bigint {
    return this.#counter(node, family, counter);
  }

  #counter(node: string, family: IpFamily, name: CounterName): bigint {
    const counters = this.#lab.nftables.get(node)?.dumpCounters(tableOf(family)) ?? [];
    return counters.find((counter) => counter.name === name)?.packets ?? 0n;
  }

  #routesOf(node: string, family: IpFamily): NodeRoutes {
    const routes = this.#routesOfFamily(family).get(node);
    assert.ok(routes !== undefined);
    return routes;
  }

  #routesOfFamily(family: IpFamily): ReadonlyMap<string, NodeRoutes> {
    return this.#routes.get(family) ?? new Map();
  }
}
