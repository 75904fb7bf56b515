/**
 * Two nodes with pods and an outside world in namespaces, and the node's proxy on both, fed from objects in memory: for tests that
 * ask where a packet went and which source it bore.
 *
 *     outside 10.0.9.1   n1 10.0.1.1   n2 10.0.1.2      one bridge; outside reaches Service addresses through n1
 *                        |  10.244.1.0/24   10.244.2.0/24     pods, each on a link of its own
 */
import { createServer } from 'node:net';
import type { EndpointSlice, Node, Service } from '../../src/api/index.ts';
import { endpointSlices, nodes as nodeResource, services } from '../../src/api/index.ts';
import { Agent } from '../../src/agent/index.ts';
import type { AgentOptions, Listen } from '../../src/agent/index.ts';
import { Conntrack, NamespaceThread, Nftables, RouteSocket } from '../../src/linux/index.ts';
import type { NamespaceHandle } from '../../src/linux/index.ts';
import type { IpFamily } from '../../src/net/index.ts';
import { mustParseCidr, mustParseIp } from '../../src/net/index.ts';
import { hasCode, silentLogger } from '../../src/observe/index.ts';
import type { Logger } from '../../src/observe/index.ts';
import { MemoryInformer } from './memory-informer.ts';

/** A namespace with its routes. */
export interface Place {
  readonly name: string;
  readonly namespace: NamespaceHandle;
  readonly routes: RouteSocket;
}

/** `pod client-address` of whoever answered, `refused`, `timeout`, or the error code of the send. */
export type Answer = string;

/** A UDP socket that asks one address, again and again from one port. */
export interface UdpClient {
  /** Sends a datagram and waits for the answer. */
  ask(timeoutMs?: number): Promise<Answer>;
  close(): void;
}

const families: readonly IpFamily[] = ['IPv4', 'IPv6'];
const podPort = 8080;
const firstUdpPort = 20_000;

export class AgentLab {
  readonly thread = new NamespaceThread({}, { logger: silentLogger });
  readonly services = new MemoryInformer(services);
  readonly slices = new MemoryInformer(endpointSlices);
  readonly nodes = new MemoryInformer(nodeResource);
  readonly agents = new Map<string, Agent>();
  readonly nftables = new Map<string, Nftables>();
  #udpPorts = 0;
  /** Closers of the pods' servers. */
  readonly #closers: (() => void)[] = [];
  readonly #places = new Map<string, Place>();

  /** Two nodes, pods a1, a2 and a3 on n1 and b1 on n2, outside, and agents on both nodes. */
  static async start(options: Partial<AgentOptions> = {}): Promise<AgentLab> {
    const lab = new AgentLab();
    await lab.thread.start();
    await lab.#build();
    for (const name of ['n1', 'n2']) await lab.startAgent(name, options);
    return lab;
  }

  /** A node, a pod or `outside`. */
  place(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`no place ${name}`);
    return place;
  }

  async startAgent(name: string, options: Partial<AgentOptions> = {}, logger: Logger = silentLogger): Promise<Agent> {
    const { namespace } = this.place(name);
    const nftables = new Nftables(await this.thread.openNetlink(namespace, 'netfilter'));
    this.nftables.set(name, nftables);
    const agent = new Agent(
      {
        nodeName: name,
        families,
        informers: { services: this.services, endpointSlices: this.slices, nodes: this.nodes },
        nftables,
        conntrack: new Conntrack(await this.thread.openNetlink(namespace, 'netfilter')),
        monitorSocket: await this.thread.openNetlink(namespace, 'netfilter'),
        listen: this.listenOn(name),
        serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
        ...options,
      },
      { logger },
    );
    await agent.start();
    this.agents.set(name, agent);
    return agent;
  }

  /** Opens listeners in the namespace of a place. */
  listenOn(name: string): Listen {
    return (address, port) =>
      this.thread.openSocket(this.place(name).namespace, {
        type: 'tcp',
        bind: { address, port },
        listen: 64,
        ipv6Only: address.includes(':'),
      });
  }

  /** Waits until all agents have what was set. */
  async settled(): Promise<void> {
    for (const agent of this.agents.values()) await agent.idle();
  }

  /** Puts a Service with the named pods as its endpoints (as `setEndpoints`), in both families, and waits for the agents. */
  async serve(
    name: string,
    spec: Readonly<Record<string, unknown>>,
    pods: readonly string[],
    ingress: readonly string[] = [],
  ): Promise<void> {
    const number = Number(/\d+$/.exec(name)?.[0]);
    const ports = (spec['ports'] ?? [
      { name: 'tcp', port: 80, protocol: 'TCP' },
      { name: 'udp', port: 80, protocol: 'UDP' },
    ]) as { name?: string; protocol?: string; targetPort?: number }[];
    const service: Service = {
      metadata: { name, namespace: 'ns', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: {
        type: 'ClusterIP',
        clusterIP: `10.96.0.${number}`,
        clusterIPs: [`10.96.0.${number}`, `fd00:10:96::${number}`],
        ...spec,
        ports: ports as never,
      },
      status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } },
    };
    this.services.set(service);
    this.setEndpoints(name, pods, ports);
    await this.settled();
  }

  /** Before a pod `!`: not ready; `~`: terminating and still serving; `-`: terminating and not serving. */
  setEndpoints(
    name: string,
    pods: readonly string[],
    ports: readonly { readonly name?: string; readonly protocol?: string; readonly targetPort?: number }[] = [
      { name: 'tcp', protocol: 'TCP' },
      { name: 'udp', protocol: 'UDP' },
    ],
  ): void {
    for (const family of families) {
      const slice: EndpointSlice = {
        metadata: { name: `${name}-${family}`, namespace: 'ns', labels: { 'kubernetes.io/service-name': name } },
        addressType: family,
        ports: ports.map((port) => ({
          name: port.name ?? '',
          protocol: port.protocol ?? 'TCP',
          port: port.targetPort ?? podPort,
        })),
        endpoints: pods.map((text) => {
          const pod = text.replace(/^[!~-]/, '');
          return { addresses: [podAddress(pod, family)], nodeName: nodeOf(pod), conditions: conditionsOf(text) };
        }),
      };
      this.slices.set(slice);
    }
  }

  async remove(name: string): Promise<void> {
    this.services.delete(`ns/${name}`);
    for (const family of families) this.slices.delete(`ns/${name}-${family}`);
    await this.settled();
  }

  /** Opens a TCP connection from a place and reads the answer. */
  async tcp(
    from: string,
    address: string,
    port: number,
    options: { readonly bind?: string; readonly timeoutMs?: number } = {},
  ): Promise<Answer> {
    try {
      const socket = await this.thread.connectTcp(
        this.place(from).namespace,
        { address, port },
        {
          timeoutMs: options.timeoutMs ?? 700,
          ...(options.bind === undefined ? {} : { bind: { address: options.bind, port: 0 } }),
        },
      );
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      return text.trim();
    } catch (error) {
      return answerOf(error);
    }
  }

  /** Sends a datagram from a new socket of a place and waits for the answer. */
  async udp(from: string, address: string, port: number, options: { readonly timeoutMs?: number } = {}): Promise<Answer> {
    const client = await this.openUdpClient(from, address, port);
    try {
      return await client.ask(options.timeoutMs);
    } finally {
      client.close();
    }
  }

  /** A UDP socket of a place, connected to one address; each `ask` sends a datagram and waits for the answer. */
  async openUdpClient(
    from: string,
    address: string,
    port: number,
    bind: { readonly address: string; readonly port: number } = {
      address: address.includes(':') ? '::' : '0.0.0.0',
      port: this.#freshPort(),
    },
  ): Promise<UdpClient> {
    const family = address.includes(':') ? 6 : 4;
    const socket = await this.thread.openUdp(this.place(from).namespace, { family, bind });
    let isOpen = true;
    const close = (): void => {
      if (isOpen) socket.close();
      isOpen = false;
    };
    // A test that fails must not keep the process alive.
    this.#closers.push(close);
    let finish: (answer: Answer) => void = () => undefined;
    socket.on('message', (message) => finish(message.toString()));
    socket.on('error', (error) => finish(answerOf(error)));
    await new Promise<void>((resolve) => {
      socket.connect(port, address, () => resolve());
    });
    return {
      ask: (timeoutMs = 500) =>
        new Promise((resolve) => {
          const timer = setTimeout(() => resolve('timeout'), timeoutMs);
          finish = (answer) => {
            clearTimeout(timer);
            resolve(answer);
          };
          socket.send('who', (error) => {
            if (error !== null) finish(answerOf(error));
          });
        }),
      close,
    };
  }

  /** The kernel draws a port at random, perhaps one whose flow it still remembers: that is led on as before, whatever holds now. */
  #freshPort(): number {
    return firstUdpPort + (this.#udpPorts++ % 40_000);
  }

  /** A TCP server in a pod that sends back what it gets. */
  async echo(pod: string, port: number): Promise<void> {
    const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    await this.thread.listenTcp(this.place(pod).namespace, server, { address: podAddress(pod, 'IPv4'), port });
    this.#closers.push(() => server.close());
  }

  async stop(): Promise<void> {
    for (const agent of this.agents.values()) await agent.stop();
    for (const close of this.#closers) close();
    await this.thread.stop();
  }

  async #build(): Promise<void> {
    const fabric = await this.#makePlace('fabric');
    fabric.routes.addBridge('br0');
    fabric.routes.setUp('br0');
    for (const [name, address4, address6] of [
      ['n1', '10.0.1.1/16', 'fd00:0:0:1::1/48'],
      ['n2', '10.0.1.2/16', 'fd00:0:0:1::2/48'],
      ['outside', '10.0.9.1/16', 'fd00:0:0:9::1/48'],
    ] as const) {
      const place = await this.#makePlace(name);
      fabric.routes.addVeth({ name, peer: 'eth0', peerNamespaceFd: place.namespace.fd });
      fabric.routes.setMaster(name, 'br0');
      fabric.routes.setUp(name);
      place.routes.setUp('eth0');
      place.routes.addAddress('eth0', mustParseCidr(address4));
      place.routes.addAddress('eth0', mustParseCidr(address6));
    }
    const outside = this.place('outside');
    for (const number of [2, 3, 4, 5, 6, 7]) {
      outside.routes.addAddress('eth0', mustParseCidr(`10.0.9.${number}/16`));
      outside.routes.addAddress('eth0', mustParseCidr(`fd00:0:0:9::${number}/48`));
    }
    for (const dst of ['10.96.0.0/16', '10.0.8.0/24', '10.244.0.0/16']) {
      outside.routes.addRoute({ dst: mustParseCidr(dst), via: mustParseIp('10.0.1.1') });
    }
    for (const dst of ['fd00:10:96::/112', 'fd00:0:0:8::/64', 'fd00:10:244::/48']) {
      outside.routes.addRoute({ dst: mustParseCidr(dst), via: mustParseIp('fd00:0:0:1::1') });
    }
    for (const [index, name] of ['n1', 'n2'].entries()) await this.#buildNode(name, index + 1);
    for (const pod of ['a1', 'a2', 'a3', 'b1']) await this.#buildPod(pod);
  }

  async #buildNode(name: string, number: number): Promise<void> {
    const { namespace, routes } = this.place(name);
    await this.thread.writeSysctl(namespace, 'net.ipv4.ip_forward', 1);
    await this.thread.writeSysctl(namespace, 'net.ipv6.conf.all.forwarding', 1);
    const other = 3 - number;
    routes.addRoute({ dst: mustParseCidr(`10.244.${other}.0/24`), via: mustParseIp(`10.0.1.${other}`) });
    routes.addRoute({ dst: mustParseCidr(`fd00:10:244:${other}::/64`), via: mustParseIp(`fd00:0:0:1::${other}`) });
    // What a process on the node sends to a Service must have a route before it is translated.
    for (const dst of ['10.96.0.0/16', '10.0.8.0/24']) routes.addRoute({ dst: mustParseCidr(dst), via: mustParseIp('10.0.9.1') });
    for (const dst of ['fd00:10:96::/112', 'fd00:0:0:8::/64'])
      routes.addRoute({ dst: mustParseCidr(dst), via: mustParseIp('fd00:0:0:9::1') });
    const node: Node = {
      metadata: { name, labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${number}` } },
      spec: { podCIDRs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`] },
      status: {
        addresses: [
          { type: 'InternalIP', address: `10.0.1.${number}` },
          { type: 'InternalIP', address: `fd00:0:0:1::${number}` },
        ],
      },
    };
    this.nodes.set(node);
  }

  async #buildPod(name: string): Promise<void> {
    const node = this.place(nodeOf(name));
    const pod = await this.#makePlace(name);
    const gatewayMac = '02:00:00:00:00:01';
    node.routes.addVeth({ name, peer: 'eth0', peerNamespaceFd: pod.namespace.fd, mac: gatewayMac });
    node.routes.setUp(name);
    pod.routes.setUp('eth0');
    for (const family of families) {
      const address = podAddress(name, family);
      const own = mustParseCidr(`${address}/${family === 'IPv4' ? 32 : 128}`);
      const gateway = mustParseIp(family === 'IPv4' ? '169.254.1.1' : 'fe80::1');
      node.routes.addRoute({ dst: own, dev: name });
      pod.routes.addAddress('eth0', own);
      pod.routes.addNeighbour('eth0', gateway, gatewayMac);
      pod.routes.addRoute({ family, via: gateway, dev: 'eth0', onlink: true });
      const server = createServer((socket) => socket.on('error', () => undefined).end(`${name} ${socket.remoteAddress ?? ''}\n`));
      await this.thread.listenTcp(pod.namespace, server, { address, port: podPort });
      const udp = await this.thread.openUdp(pod.namespace, { bind: { address, port: podPort } });
      this.#closers.push(
        () => server.close(),
        () => udp.close(),
      );
      udp.on('message', (_message, remote) => udp.send(`${name} ${remote.address}`, remote.port, remote.address));
    }
  }

  async #makePlace(name: string): Promise<Place> {
    const namespace = await this.thread.create(name);
    // Addresses are to be there at once, not a second later when nobody has objected.
    await this.thread.writeSysctl(namespace, 'net.ipv6.conf.default.accept_dad', 0);
    const place = { name, namespace, routes: new RouteSocket(await this.thread.openNetlink(namespace, 'route')) };
    this.#places.set(name, place);
    return place;
  }
}

/** a1 -> 10.244.1.11, b1 -> 10.244.2.11. */
export function podAddress(pod: string, family: IpFamily): string {
  const node = pod.startsWith('a') ? 1 : 2;
  const number = 10 + Number(pod.slice(1));
  return family === 'IPv4' ? `10.244.${node}.${number}` : `fd00:10:244:${node}::${number}`;
}

function conditionsOf(text: string): { readonly ready: boolean; readonly serving?: boolean; readonly terminating?: boolean } {
  switch (text.charAt(0)) {
    case '!':
      return { ready: false };
    case '~':
      return { ready: false, serving: true, terminating: true };
    case '-':
      return { ready: false, serving: false, terminating: true };
    default:
      return { ready: true };
  }
}

function nodeOf(pod: string): string {
  return pod.startsWith('a') ? 'n1' : 'n2';
}

/** A failed connection or datagram as an answer. */
export function answerOf(error: unknown): Answer {
  if (hasCode(error, 'ECONNREFUSED') || codeOf(error) === 'ECONNREFUSED') return 'refused';
  const code = codeOf(error);
  return code === 'ETIMEDOUT' || code === 'ABORT_ERR' ? 'timeout' : code;
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : String(error);
}
