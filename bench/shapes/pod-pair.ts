/**
 * One node with two pods in namespaces: a client that dials and a server that accepts on several addresses.
 *
 *     client 10.244.0.2 --- node 10.0.1.0 --- server 10.244.0.10, .11, .12, …
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { NamespaceThread, RouteSocket } from '../../src/linux/index.ts';
import type { NamespaceHandle, NetlinkSocket } from '../../src/linux/index.ts';
import { mustParseCidr, mustParseIp } from '../../src/net/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import type { DialOrder, DialReport } from './connect-program.ts';
import { podPort } from './objects.ts';

export const pairPodCidr = '10.244.0.0/24';
const nodeAddress = '10.0.1.0';
const clientAddress = '10.244.0.2';
const gateway = mustParseIp('169.254.1.1');
const gatewayMac = '02:00:00:00:00:01';

/** Addresses of the server, which all answer. */
export function serverAddresses(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `10.244.0.${10 + index}`);
}

export class PodPair {
  readonly #thread = new NamespaceThread({}, { logger: silentLogger });
  readonly #programs: ChildProcess[] = [];
  #node: NamespaceHandle | undefined;
  #dialer: ChildProcess | undefined;

  /** Namespaces, links, and both programs, ready. */
  async start(serverAddressCount: number): Promise<void> {
    await this.#thread.start();
    const node = await this.#thread.create('node');
    this.#node = node;
    const routes = new RouteSocket(await this.#thread.openNetlink(node, 'route'));
    routes.addAddress('lo', mustParseCidr(`${nodeAddress}/32`));
    await this.#thread.writeSysctl(node, 'net.ipv4.ip_forward', 1);
    const client = await this.#addPod(node, routes, 'client', [clientAddress]);
    const server = await this.#addPod(node, routes, 'server', serverAddresses(serverAddressCount));
    await this.#startProgram(server, 'accept', String(podPort));
    this.#dialer = await this.#startProgram(client, 'dial');
  }

  /** A netfilter socket of the node. */
  async openNetfilter(): Promise<NetlinkSocket> {
    if (this.#node === undefined) throw new Error('not started');
    return await this.#thread.openNetlink(this.#node, 'netfilter');
  }

  /** Lets the client dial. One order at a time. */
  async dial(order: DialOrder): Promise<DialReport> {
    const dialer = this.#dialer;
    if (dialer === undefined) throw new Error('not started');
    const report = new Promise<DialReport>((resolve) => dialer.once('message', (message) => resolve(message as DialReport)));
    dialer.send(order);
    return await report;
  }

  async stop(): Promise<void> {
    for (const program of this.#programs) program.kill('SIGKILL');
    await this.#thread.stop();
  }

  async #addPod(
    node: NamespaceHandle,
    routes: RouteSocket,
    name: string,
    addresses: readonly string[],
  ): Promise<NamespaceHandle> {
    const pod = await this.#thread.create(name);
    const podRoutes = new RouteSocket(await this.#thread.openNetlink(pod, 'route'));
    routes.addVeth({ name, peer: 'eth0', peerNamespaceFd: pod.fd });
    routes.setMac(name, gatewayMac);
    routes.setUp(name);
    podRoutes.setUp('eth0');
    for (const address of addresses) {
      podRoutes.addAddress('eth0', mustParseCidr(`${address}/32`));
      routes.addRoute({ dst: mustParseCidr(`${address}/32`), dev: name });
    }
    podRoutes.addNeighbour('eth0', gateway, gatewayMac);
    podRoutes.addRoute({ family: 'IPv4', via: gateway, dev: 'eth0', onlink: true });
    // Not a pid: what a namespace's links and addresses need of it is a descriptor.
    return pod;
  }

  async #startProgram(pod: NamespaceHandle, ...args: readonly string[]): Promise<ChildProcess> {
    const script = join(import.meta.dirname, 'connect-program.ts');
    const child = spawn('nsenter', [`--net=${pod.path}`, process.execPath, script, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#programs.push(child);
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`${args[0]} ended with ${code}`)));
    });
    return child;
  }
}
