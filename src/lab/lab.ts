/** The lab: nodes, pods' namespaces, the fabric between them, the outside world. Nothing of it is on disk. */
import { isNoSuchThing, NamespaceThread, RouteSocket } from '../linux/index.ts';
import type { NamespaceHandle } from '../linux/index.ts';
import type { IpFamily } from '../net/index.ts';
import { maskCidr, mustParseCidr } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import {
  addressPlan,
  controlPlaneAddress,
  dnsAddress,
  macAddress,
  nodeAddress,
  outsideAddress,
  outsideAddressCount,
} from './address-plan.ts';
import type { LoadBalancer } from './balancer.ts';
import { Balancer } from './balancer.ts';
import { LabError } from './errors.ts';
import { LabNode } from './lab-node.ts';
import { planNode } from './node-plan.ts';
import type { NodePlan } from './node-plan.ts';
import type { Place, Site } from './site.ts';
import { createPlace, formatAll, ofFamily } from './site.ts';

export interface LabOptions {
  /** Default: IPv4 alone. */
  readonly ipFamilies?: readonly IpFamily[];
}

/** A MAC that nobody has: what is sent there is lost on the bridge. */
const nobody = '02:fa:ff:ff:ff:ff';

/**
 * Runs between `start` and `close`. Needs the power to make network namespaces: as root, or in a user namespace of one's own.
 * The calling thread stays in its own network.
 */
export class Lab {
  readonly ipFamilies: readonly IpFamily[];
  readonly #logger: Logger;
  readonly #thread: NamespaceThread;
  readonly #nodes = new Map<string, LabNode>();
  /** Of the nodes that are there or on their way. */
  readonly #plans = new Map<string, NodePlan & { readonly name: string }>();
  readonly #stopped = new Set<string>();
  #fabric: Site | undefined;
  #outside: Site | undefined;
  #balancer: Balancer | undefined;

  constructor(options: LabOptions, { logger }: { readonly logger: Logger }) {
    this.ipFamilies = options.ipFamilies ?? ['IPv4'];
    this.#logger = logger;
    this.#thread = new NamespaceThread({}, { logger });
  }

  /** Makes the fabric and `outside`. */
  async start(): Promise<void> {
    await this.#thread.start();
    this.#fabric = await this.#createFabric();
    this.#outside = await this.#createOutside(this.#fabric);
    this.#balancer = new Balancer({ outside: this.#outside }, { logger: this.#logger });
    await this.#balancer.start();
  }

  /** Takes everything down. Processes that still run in pods keep their namespaces until they end. */
  async close(): Promise<void> {
    await this.#balancer?.stop();
    for (const name of this.#nodes.keys()) await this.removeNode(name);
    for (const site of [this.#outside, this.#fabric]) {
      if (site === undefined) continue;
      site.routes.close();
      this.#thread.close(site.place.namespace);
    }
    await this.#thread.stop();
  }

  /** Where the API server and the name server listen: addresses 10.0.0.1 and 10.0.0.10. */
  get controlPlane(): Place {
    return this.#started(this.#fabric).place;
  }

  get outside(): Place {
    return this.#started(this.#outside).place;
  }

  get nodes(): readonly LabNode[] {
    return [...this.#nodes.values()];
  }

  node(name: string): LabNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new LabError(`there is no node ${name} in the lab`, { code: 'no-such-node', node: name });
    return node;
  }

  /**
   * Adds a node with the next free address; its pods' prefixes are routed by all others. Throws `LabError` when its prefixes are
   * somebody else's. A failure leaves nothing behind.
   */
  async addNode({ name, podCidrs }: { readonly name: string; readonly podCidrs?: readonly string[] }): Promise<LabNode> {
    if (this.#plans.has(name)) throw new LabError(`node ${name} is in the lab already`, { code: 'exists', name });
    const plan = { name, ...planNode({ name, podCidrs }, [...this.#plans.values()], this.ipFamilies) };
    this.#plans.set(name, plan);
    try {
      const node = await this.#createNode(plan);
      this.#nodes.set(name, node);
      this.#connect(node);
      return node;
    } catch (error) {
      await this.removeNode(name);
      this.#plans.delete(name);
      throw error;
    }
  }

  /** Takes a node and its pods away. Unknown names are ignored. */
  async removeNode(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    this.#nodes.delete(name);
    this.#plans.delete(name);
    this.#stopped.delete(name);
    this.#balancer?.removeNode(name);
    await node.removeAllPods();
    for (const site of this.#sites()) {
      for (const cidr of node.podCidrs.map(mustParseCidr)) {
        const via = ofFamily(node.site.underlay, cidr.address.family);
        if (via !== undefined) ifThere(() => site.routes.deleteRoute({ dst: cidr, via }));
      }
    }
    ifThere(() => this.#started(this.#fabric).routes.deleteLink(`n${node.index}`));
    node.site.routes.close();
    this.#thread.close(node.site.place.namespace);
  }

  /** Pulls the node's plug: it and its pods are unreachable, its processes go on. */
  stopNode(name: string): void {
    const node = this.node(name);
    this.#stopped.add(name);
    this.#started(this.#fabric).routes.setDown(`n${node.index}`);
    this.#started(this.#balancer).setNodeUp(name, false);
  }

  /** Puts the plug back. */
  startNode(name: string): void {
    const node = this.node(name);
    this.#stopped.delete(name);
    this.#started(this.#fabric).routes.setUp(`n${node.index}`);
    this.#started(this.#balancer).setNodeUp(name, true);
  }

  isStopped(name: string): boolean {
    return this.#stopped.has(name);
  }

  /** Packets between the two (node names or `outside`) are lost in both directions, silently. */
  cutLink(a: string, b: string): void {
    this.#setLink(a, b, false);
  }

  healLink(a: string, b: string): void {
    this.#setLink(a, b, true);
  }

  /** `outside`, `control-plane`, `node/NAME`, `pod/NAMESPACE/NAME`, or `pod/NAME` in namespace `default`. Throws `no-such-place`. */
  place(name: string): Place {
    const [kind, ...rest] = name.split('/');
    if (name === 'outside') return this.outside;
    if (name === 'control-plane') return this.controlPlane;
    if (kind === 'node' && rest.length === 1) return this.node(rest[0] ?? '').site.place;
    if (kind === 'pod' && rest.length <= 2) {
      const key = rest.length === 1 ? `default/${rest[0] ?? ''}` : rest.join('/');
      for (const node of this.#nodes.values()) {
        const found = node.findPod(key);
        if (found !== undefined) return found;
      }
    }
    throw new LabError(`there is no place ${name} in the lab: say outside, node/NAME or pod/NAMESPACE/NAME`, {
      code: 'no-such-place',
      place: name,
    });
  }

  /** Sends an address of `outside` to nodes; replaces what was said of it before. */
  setLoadBalancer(balancer: LoadBalancer): void {
    this.#started(this.#balancer).set(balancer);
  }

  removeLoadBalancer(address: string): void {
    this.#started(this.#balancer).remove(address);
  }

  /** The nodes that new connections to a load-balancer address go to now. */
  loadBalancerTargets(address: string): readonly string[] {
    return this.#started(this.#balancer).targets(address);
  }

  async #createFabric(): Promise<Site> {
    const namespace = await this.#createNamespace('control-plane', true);
    const routes = new RouteSocket(await this.#thread.openNetlink(namespace, 'route'));
    const underlay = this.ipFamilies.flatMap((family) => [controlPlaneAddress(family), dnsAddress(family)]);
    routes.addBridge('br0');
    routes.setMac('br0', macAddress('fabric', 1));
    routes.setUp('br0');
    for (const address of underlay)
      routes.addAddress('br0', { address, prefixLength: addressPlan[address.family].underlayPrefix });
    for (const family of this.ipFamilies) routes.addRoute({ family, type: 'unreachable', metric: 9999 });
    const place = createPlace(this.#thread, 'control-plane', namespace, formatAll(underlay));
    return { name: 'control-plane', place, routes, mac: macAddress('fabric', 1), underlay };
  }

  async #createOutside(fabric: Site): Promise<Site> {
    const namespace = await this.#createNamespace('outside', false);
    const routes = new RouteSocket(await this.#thread.openNetlink(namespace, 'route'));
    const underlay = this.ipFamilies.flatMap((family) =>
      Array.from({ length: outsideAddressCount }, (_each, index) => outsideAddress(family, index + 1)),
    );
    const place = createPlace(this.#thread, 'outside', namespace, formatAll(underlay));
    const site: Site = { name: 'outside', place, routes, mac: macAddress('outside', 1), underlay };
    this.#plugIn(site, 'outside', fabric);
    for (const family of this.ipFamilies) {
      // a first route, for the source address; the rules of the balancer choose the real one
      const src = outsideAddress(family, 1);
      routes.addRoute({ dst: addressPlan[family].loadBalancers, dev: 'eth0', src });
      // of thirty addresses, the first is its own: IPv6 would take any
      const { underlayPrefix } = addressPlan[family];
      routes.addRoute({ dst: maskCidr({ address: src, prefixLength: underlayPrefix }), dev: 'eth0', src, metric: 50 });
    }
    return site;
  }

  async #createNamespace(name: string, forwards: boolean): Promise<NamespaceHandle> {
    const namespace = await this.#thread.create(name);
    const write = (key: string, value: number): Promise<void> => this.#thread.writeSysctl(namespace, key, value);
    // replies may come in where requests did not go out: through another node's address, or a load balancer's
    await write('net.ipv4.conf.all.rp_filter', 0);
    await write('net.ipv4.conf.default.rp_filter', 0);
    await write('net.ipv4.conf.all.send_redirects', 0);
    await write('net.ipv4.conf.default.send_redirects', 0);
    await write('net.ipv4.ip_unprivileged_port_start', 0);
    if (forwards) await write('net.ipv4.ip_forward', 1);
    if (this.ipFamilies.includes('IPv6')) {
      await write('net.ipv6.conf.all.accept_ra', 0);
      await write('net.ipv6.conf.default.accept_dad', 0);
      if (forwards) await write('net.ipv6.conf.all.forwarding', 1);
    }
    return namespace;
  }

  async #createNode({ name, index, podCidrs }: NodePlan & { readonly name: string }): Promise<LabNode> {
    const underlay = this.ipFamilies.map((family) => nodeAddress(family, index));
    const namespace = await this.#createNamespace(`node/${name}`, true);
    const routes = new RouteSocket(await this.#thread.openNetlink(namespace, 'route'));
    const place = createPlace(this.#thread, `node/${name}`, namespace, formatAll(underlay));
    const site: Site = { name, place, routes, mac: macAddress('node', index), underlay };
    return new LabNode({ site, index, podCidrs, thread: this.#thread });
  }

  /** Plugs a node in and tells everybody where its pods are. */
  #connect(node: LabNode): void {
    const { site, podCidrs, index } = node;
    this.#plugIn(site, `n${index}`);
    // an address that no pod has must not go round by the way out and back
    for (const cidr of podCidrs) site.routes.addRoute({ dst: mustParseCidr(cidr), type: 'unreachable' });
    for (const family of this.ipFamilies) site.routes.addRoute({ family, via: controlPlaneAddress(family) });
    for (const other of this.#nodes.values()) {
      if (other === node) continue;
      this.#routePods(site, other);
      this.#routePods(other.site, node);
    }
    this.#routePods(this.#started(this.#outside), node);
    this.#routePods(this.#started(this.#fabric), node);
    this.#started(this.#balancer).addNode(node.name, index, site.underlay);
  }

  /** A link from the bridge to the site's `eth0`, with the site's addresses. */
  #plugIn(site: Site, portName: string, fabric = this.#started(this.#fabric)): void {
    fabric.routes.addVeth({ name: portName, peer: 'eth0', peerNamespaceFd: site.place.namespace.fd, peerMac: site.mac });
    fabric.routes.setMaster(portName, 'br0');
    fabric.routes.setUp(portName);
    site.routes.setUp('eth0');
    for (const address of site.underlay)
      site.routes.addAddress('eth0', { address, prefixLength: addressPlan[address.family].underlayPrefix });
  }

  #routePods(from: Site, to: LabNode): void {
    for (const cidr of to.podCidrs.map(mustParseCidr)) {
      const via = ofFamily(to.site.underlay, cidr.address.family);
      if (via !== undefined) from.routes.addRoute({ dst: cidr, via });
    }
  }

  #setLink(a: string, b: string, isWhole: boolean): void {
    const [from, to] = [this.#siteNamed(a, a, b), this.#siteNamed(b, a, b)];
    for (const [here, there] of [
      [from, to],
      [to, from],
    ] as const) {
      for (const address of there.underlay) here.routes.addNeighbour('eth0', address, isWhole ? there.mac : nobody);
    }
  }

  #siteNamed(name: string, a: string, b: string): Site {
    const site = name === 'outside' ? this.#started(this.#outside) : this.#nodes.get(name.replace(/^node\//, ''))?.site;
    if (site === undefined) this.node(name.replace(/^node\//, ''));
    if (site === undefined || a === b)
      throw new LabError(`there is no link between ${a} and ${b}`, { code: 'no-such-link', a, b });
    return site;
  }

  #sites(): Site[] {
    return [this.#started(this.#fabric), this.#started(this.#outside), ...[...this.#nodes.values()].map(({ site }) => site)];
  }

  #started<T>(part: T | undefined): T {
    if (part === undefined) throw new TypeError('the lab has not been started');
    return part;
  }
}

/** A node that was only half added has only half of this to take away. */
function ifThere(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!isNoSuchThing(error)) throw error;
  }
}
