/** A node of the lab and its pods' namespaces. */
import type { Socket } from 'node:net';
import type { IpAddress } from '../net/index.ts';
import { mustParseIp, mustParseCidr } from '../net/index.ts';
import { RouteSocket, isNoSuchThing } from '../linux/index.ts';
import type { NamespaceHandle, NamespaceThread, SocketAddress } from '../linux/index.ts';
import { LabError } from './errors.ts';
import type { DialOptions, Place, Site } from './site.ts';
import { createPlace, hostCidr, ofFamily } from './site.ts';

/** A pod to be given a network. */
export interface LabPod {
  /** Unique for the life of the lab, e.g. the pod's uid. */
  readonly id: string;
  /** `namespace/name`: how people find it. */
  readonly name: string;
  readonly addresses: readonly string[];
  /** Lives in the node's own namespace. */
  readonly hostNetwork: boolean;
}

interface PodEntry {
  readonly pod: LabPod;
  readonly place: Place;
  readonly linkName: string | undefined;
  readonly namespace: NamespaceHandle | undefined;
}

/** The way that pods reach their node in IPv6: neighbours of a link answer only for addresses on that link. */
const linkGateway = mustParseIp('fe80::1');

/**
 * Every pod hangs on a link of its own and the node routes: no bridge, so that each packet between pods of one node passes the
 * node's netfilter, as replies of translated connections must.
 */
export class LabNode {
  readonly site: Site;
  readonly index: number;
  readonly podCidrs: readonly string[];
  readonly #thread: NamespaceThread;
  readonly #pods = new Map<string, PodEntry>();
  #nextLink = 1;

  constructor(options: {
    readonly site: Site;
    readonly index: number;
    readonly podCidrs: readonly string[];
    readonly thread: NamespaceThread;
  }) {
    this.site = options.site;
    this.index = options.index;
    this.podCidrs = options.podCidrs;
    this.#thread = options.thread;
  }

  get name(): string {
    return this.site.name;
  }

  get nodeAddresses(): readonly string[] {
    return this.site.place.addresses;
  }

  get podCount(): number {
    return this.#pods.size;
  }

  /** Makes the pod's namespace with `eth0` and its route on the node. A failure leaves nothing behind. */
  async addPod(pod: LabPod): Promise<Place> {
    if (this.#pods.has(pod.id))
      throw new LabError(`pod ${pod.name} is on node ${this.name} already`, { code: 'exists', name: pod.name });
    const name = `pod/${pod.name}`;
    if (pod.hostNetwork) {
      const place = createPlace(this.#thread, name, this.site.place.namespace, this.nodeAddresses);
      this.#pods.set(pod.id, { pod, place, linkName: undefined, namespace: undefined });
      return place;
    }
    const namespace = await this.#thread.create(name);
    const linkName = `pod${this.#nextLink++}`;
    try {
      await this.#connect(namespace, linkName, pod.addresses.map(mustParseIp));
    } catch (error) {
      if (this.site.routes.getLink(linkName) !== undefined) this.site.routes.deleteLink(linkName);
      this.#thread.close(namespace);
      throw error;
    }
    const place = createPlace(this.#thread, name, namespace, pod.addresses);
    this.#pods.set(pod.id, { pod, place, linkName, namespace });
    return place;
  }

  /**
   * Cuts the pod off and gives up its namespace, which lives on while processes are in it. Unknown ids are ignored. The link
   * goes with the namespace, a moment later: deleting it would hold this thread for 40 ms while the kernel waits for all cores.
   */
  async removePod(id: string): Promise<void> {
    const entry = this.#pods.get(id);
    if (entry === undefined) return;
    this.#pods.delete(id);
    for (const address of entry.linkName === undefined ? [] : entry.pod.addresses.map(mustParseIp))
      this.#forgetRoute(address, entry.linkName);
    if (entry.namespace !== undefined) this.#thread.close(entry.namespace);
  }

  /** The pod with this `namespace/name`. */
  findPod(name: string): Place | undefined {
    for (const { pod, place } of this.#pods.values()) if (pod.name === name) return place;
    return undefined;
  }

  /** A TCP connection from the node itself. */
  dial(target: SocketAddress, options?: DialOptions): Promise<Socket> {
    return this.site.place.dial(target, options);
  }

  async removeAllPods(): Promise<void> {
    for (const id of this.#pods.keys()) await this.removePod(id);
  }

  #forgetRoute(address: IpAddress, linkName: string | undefined): void {
    try {
      this.site.routes.deleteRoute({ dst: hostCidr(address), ...(linkName === undefined ? {} : { dev: linkName }) });
    } catch (error) {
      if (!isNoSuchThing(error)) throw error;
    }
  }

  async #connect(namespace: NamespaceHandle, linkName: string, addresses: readonly IpAddress[]): Promise<void> {
    const { routes, underlay } = this.site;
    // programs in pods may use low ports and ping whoever they run as
    await this.#thread.writeSysctl(namespace, 'net.ipv4.ip_unprivileged_port_start', 0);
    routes.addVeth({ name: linkName, peer: 'eth0', peerNamespaceFd: namespace.fd });
    routes.setUp(linkName);
    const inside = new RouteSocket(await this.#thread.openNetlink(namespace, 'route'));
    try {
      inside.setUp('eth0');
      for (const address of addresses) {
        const gateway = address.family === 'IPv6' ? linkGateway : ofFamily(underlay, 'IPv4');
        if (gateway === undefined) throw new TypeError(`node ${this.name} has no ${address.family}`);
        inside.addAddress('eth0', hostCidr(address), { noPrefixRoute: true });
        if (address.family === 'IPv4') inside.addRoute({ dst: hostCidr(gateway), dev: 'eth0' });
        else routes.addAddress(linkName, mustParseCidr('fe80::1/64'));
        inside.addRoute({ family: address.family, via: gateway, dev: 'eth0' });
        routes.addRoute({ dst: hostCidr(address), dev: linkName });
      }
    } finally {
      inside.close();
    }
  }
}
