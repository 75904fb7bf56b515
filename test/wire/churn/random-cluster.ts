/** A cluster that changes at random: Services, EndpointSlices and Nodes are written straight into the informers that the agents follow. */
import { SeededRandom } from '../../../bench/shapes/seeded-random.ts';
import type { Endpoint, EndpointSlice, Node } from '../../../src/api/index.ts';
import type { IpFamily } from '../../../src/net/index.ts';
import type { AgentLab } from '../agent-lab.ts';
import { podAddress } from '../agent-lab.ts';
import type { ServiceDraft } from './random-service.ts';
import { aspects, drawService, toService } from './random-service.ts';

/** Where endpoints are: four pods, and programs in the host network of both nodes. */
export const backends = ['a1', 'a2', 'a3', 'b1', 'n1', 'n2'] as const;

/** Ports on which all of them answer. */
export const backendPorts = [8081, 8082] as const;

const serviceCount = 20;
const families = ['IPv4', 'IPv6'] as const;

/** Address of a pod or node. */
export function backendAddress(name: string, family: IpFamily): string {
  if (!name.startsWith('n')) return podAddress(name, family);
  return family === 'IPv4' ? `10.0.1.${name.slice(1)}` : `fd00:0:0:1::${name.slice(1)}`;
}

/** The second address of a node, which its Node object names first now and then. */
export function secondAddress(node: string): string {
  return `10.0.1.7${node.slice(1)}`;
}

export class RandomCluster {
  readonly #lab: AgentLab;
  readonly #random: SeededRandom;
  readonly #drafts = new Map<number, ServiceDraft>();
  /** Node objects as the lab made them. */
  readonly #nodes: ReadonlyMap<string, Node>;
  #clock = 0;

  constructor(lab: AgentLab, seed: number) {
    this.#lab = lab;
    this.#random = new SeededRandom(seed);
    this.#nodes = new Map(['n1', 'n2'].map((name) => [name, lab.nodes.get(name) as Node]));
  }

  /** One to five changes, all within one turn of the event loop, so that they share a sync; a sentence for each. */
  change(): string[] {
    return Array.from({ length: 1 + this.#random.below(5) }, () => this.#changeOnce());
  }

  #changeOnce(): string {
    const random = this.#random;
    const number = 1 + random.below(serviceCount);
    const draft = this.#drafts.get(number);
    const dice = random.below(100);
    if (dice < 6) return this.#changeNode();
    if (draft !== undefined && dice < 30) return this.#setEndpoints(number);
    if (draft !== undefined && dice < 60) return this.#changeOneEndpoint(number);
    if (draft === undefined) return this.#create(number);
    if (dice < 66) return this.#delete(number);
    if (dice < 70) return `${this.#delete(number)}, ${this.#create(number)}`;
    const name = random.pick(Object.keys(aspects) as (keyof typeof aspects)[]);
    aspects[name](random, draft);
    this.#lab.services.set(toService(draft));
    return `web-${number}: other ${name}`;
  }

  #create(number: number): string {
    // two within a minute are as old as each other: then names decide
    const createdAt = new Date(Date.UTC(2026, 0, 1, 0, Math.floor(this.#clock++ / 2))).toISOString();
    const draft = drawService(this.#random, number, createdAt);
    this.#drafts.set(number, draft);
    this.#lab.services.set(toService(draft));
    const slices = this.#random.percent(70) ? families.map((family) => `, ${this.#setEndpoints(number, family)}`) : [];
    return `web-${number} made, ${draft.type}${slices.join('')}`;
  }

  /** Its slices stay behind as often as not. */
  #delete(number: number): string {
    this.#drafts.delete(number);
    if (this.#lab.services.get(`ns/web-${number}`) !== undefined) this.#lab.services.delete(`ns/web-${number}`);
    if (this.#random.percent(50)) for (const key of this.#slicesOf(number)) this.#lab.slices.delete(key);
    return `web-${number} gone`;
  }

  #setEndpoints(number: number, family: IpFamily = this.#random.pick(families)): string {
    const random = this.#random;
    const name = `web-${number}-${family}-${random.pick([0, 0, 0, 1])}`;
    if (random.percent(6)) {
      if (this.#lab.slices.get(`ns/${name}`) === undefined) return `no slice ${name}`;
      this.#lab.slices.delete(`ns/${name}`);
      return `slice ${name} gone`;
    }
    const count = random.pick([0, 1, 2, 3, 3, 4, 6]);
    const chosen = random.shuffle(backends).slice(0, count);
    const hints = random.pick(['none', 'none', 'zones', 'zones and nodes', 'some']);
    const endpoints = chosen.map((backend) => this.#endpoint(backend, family, hints));
    // a pod that has no address yet, and one whose author could not write
    if (random.percent(5)) endpoints.push({ addresses: [`10.244.1.${100 + number}`], conditions: { ready: false } });
    if (random.percent(3)) endpoints.push({ addresses: ['10.244.1'] });
    const ports = this.#drafts.get(number)?.ports ?? [{ name: 'p0', protocol: 'TCP' }];
    const slice: EndpointSlice = {
      metadata: {
        name,
        namespace: 'ns',
        labels: {
          // now and then the slice changes its Service
          'kubernetes.io/service-name': `web-${random.percent(3) ? 1 + random.below(serviceCount) : number}`,
          ...(random.percent(3) ? { 'service.kubernetes.io/headless': '' } : {}),
        },
      },
      addressType: family,
      ports: random
        .some(ports, 95)
        .map((port) => ({ name: port.name, protocol: port.protocol, port: random.pick(backendPorts) })),
      endpoints,
    };
    this.#lab.slices.set(slice);
    return `slice ${name}: ${chosen.join(' ')}`;
  }

  /** The usual change of a cluster's life: one endpoint comes, goes, or changes its state. */
  #changeOneEndpoint(number: number): string {
    const random = this.#random;
    const keys = this.#slicesOf(number);
    const slice = keys.length === 0 ? undefined : this.#lab.slices.get(random.pick(keys));
    if (slice === undefined) return this.#setEndpoints(number);
    const family = slice.addressType as IpFamily;
    const backend = random.pick(backends);
    const others = (slice.endpoints ?? []).filter(({ addresses }) => addresses[0] !== backendAddress(backend, family));
    const endpoints = random.percent(35) ? others : [...others, this.#endpoint(backend, family, 'none')];
    this.#lab.slices.set({ ...slice, endpoints });
    return `slice ${slice.metadata?.name}: ${backend} ${endpoints === others ? 'gone' : 'changed'}`;
  }

  #endpoint(backend: string, family: IpFamily, hints: string): Endpoint {
    const random = this.#random;
    const nodeName = backend.startsWith('n') ? backend : `n${backend.startsWith('a') ? 1 : 2}`;
    const state = random.pick([
      ...Array.from({ length: 6 }, () => ({ ready: true, serving: true, terminating: false })),
      {},
      { ready: false, serving: false, terminating: false },
      { ready: false, serving: true, terminating: true },
      { ready: false, serving: false, terminating: true },
    ]);
    const isHinted = hints !== 'none' && (hints !== 'some' || random.percent(70));
    return {
      addresses: [backendAddress(backend, family)],
      conditions: state,
      // who writes endpoints by hand may not say where they are
      ...(random.percent(4) ? {} : { nodeName }),
      ...(isHinted
        ? {
            hints: {
              forZones: [{ name: random.pick(['zone-1', 'zone-2']) }],
              ...(hints === 'zones and nodes' ? { forNodes: [{ name: random.pick(['n1', 'n2']) }] } : {}),
            },
          }
        : {}),
    };
  }

  #changeNode(): string {
    const random = this.#random;
    const name = random.pick(['n1', 'n2']);
    const usual = this.#nodes.get(name);
    if (usual === undefined) throw new Error(`no node ${name}`);
    if (random.percent(15)) {
      if (this.#lab.nodes.get(name) === undefined) return `node ${name} is away`;
      this.#lab.nodes.delete(name);
      return `node ${name} gone`;
    }
    const labels: Record<string, string> = { 'kubernetes.io/hostname': random.pick([name, name, 'other']) };
    if (random.percent(85)) labels['topology.kubernetes.io/zone'] = random.pick(['zone-1', 'zone-2']);
    if (random.percent(50)) labels['example.com/rack'] = random.pick(['r1', 'r2']);
    const second = { type: 'InternalIP', address: secondAddress(name) } as const;
    const addresses = random.percent(70) ? (usual.status?.addresses ?? []) : [second, ...(usual.status?.addresses ?? [])];
    this.#lab.nodes.set({ ...usual, metadata: { name, labels }, status: { addresses } });
    return `node ${name}: ${JSON.stringify(labels)}, ${addresses[0]?.address}`;
  }

  #slicesOf(number: number): string[] {
    return this.#lab.slices
      .list()
      .filter(({ metadata }) => metadata?.name?.startsWith(`web-${number}-`) === true)
      .map(({ metadata }) => `ns/${metadata?.name}`);
  }
}
