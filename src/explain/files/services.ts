/** Services of manifests with what the API would allocate: addresses and ports, made up where the files name none. Pure. */
import {
  defaultOnRead,
  invalid,
  invalidValue,
  isExternalName,
  isHeadless,
  mayHaveNodePorts,
  needsClusterIP,
  needsHealthCheckNodePort,
  needsNodePort,
  StatusError,
  validateService,
  withSpec,
} from '../../api/index.ts';
import type { FieldError, Service } from '../../api/index.ts';
import { addToIp, cidrContains, formatIp, mustParseCidr, parseIp } from '../../net/index.ts';
import type { IpFamily } from '../../net/index.ts';
import { refusal } from './admission.ts';
import type { AdmittedObject } from './admission.ts';
import type { RefusedObject } from '../world.ts';
import { nameOf } from '../world.ts';

/** Ranges of the lab, assumed when only files are known. */
export const serviceRanges: Readonly<Record<IpFamily, string>> = { IPv4: '10.96.0.0/16', IPv6: 'fd00:10:96::/112' };
const balancerRanges: Readonly<Record<IpFamily, string>> = { IPv4: '10.0.8.0/24', IPv6: 'fd00:0:0:8::/64' };
/** Upstream's --service-node-port-range. */
const nodePortRange = { first: 30_000, last: 32_767 };
/** Made-up values begin here, well above what people choose by hand. */
const firstOffset = 100;

/** Services as they would be stored, and those that would not be. */
export function allocateServices(
  objects: readonly AdmittedObject[],
  assumptions: string[],
): { readonly services: readonly Service[]; readonly refused: readonly RefusedObject[] } {
  const pool = new Pool();
  const refused: RefusedObject[] = [];
  const reserved: { readonly service: Service; readonly object: AdmittedObject }[] = [];
  for (const object of objects) {
    const service = object.value as Service;
    attempt(object, refused, () => {
      pool.reserve(service);
      reserved.push({ service, object });
    });
  }
  const services: Service[] = [];
  for (const { service, object } of reserved) {
    attempt(object, refused, () => {
      const complete = defaultOnRead(pool.complete(service), 'IPv4');
      throwFaults(complete, validateService(complete));
      services.push(complete);
    });
  }
  assumptions.push(...pool.remarks());
  return { services, refused };
}

function attempt(object: AdmittedObject, refused: RefusedObject[], action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    refused.push(refusal(object.manifest, error));
  }
}

/** What is taken, and by whom; and what was made up. */
class Pool {
  readonly #owners = new Map<string, string>();
  readonly #madeUp = { addresses: [] as string[], ports: [] as string[], balancers: [] as string[] };
  readonly #outside: string[] = [];
  readonly #next: Record<string, number> = {};

  /** Takes what the Service asks for. Throws 422 for what is taken or out of range. */
  reserve(service: Service): void {
    const { spec } = service;
    const name = nameOf(service);
    const faults: FieldError[] = [];
    const given = [...new Set([spec?.clusterIP ?? '', ...(spec?.clusterIPs ?? [])])].filter(
      (text) => text !== '' && text !== 'None',
    );
    for (const text of isExternalName(service) ? [] : given) {
      const holder = this.#owners.get(text);
      if (holder !== undefined) {
        const why = `failed to allocate IP ${text}: provided IP is already allocated (by Service ${holder})`;
        faults.push(invalidValue('spec.clusterIPs', given, why));
      } else if (!isIn(serviceRanges, text)) this.#outside.push(name);
    }
    const ports = (mayHaveNodePorts(service) ? (spec?.ports ?? []) : []).map(({ nodePort = 0, protocol = 'TCP' }) => ({
      nodePort,
      protocol,
    }));
    for (const [index, { nodePort, protocol }] of ports.entries()) {
      if (nodePort === 0) continue;
      const path = `spec.ports[${index}].nodePort`;
      const holder = this.#owners.get(portKey(nodePort, protocol)) ?? this.#owners.get(portKey(nodePort, 'any'));
      if (nodePort < nodePortRange.first || nodePort > nodePortRange.last) {
        const why = `provided port is not in the valid range. The range of valid ports is ${nodePortRange.first}-${nodePortRange.last}`;
        faults.push(invalidValue(path, nodePort, why));
      } else if (holder !== undefined) {
        faults.push(invalidValue(path, nodePort, `provided port is already allocated (by Service ${holder})`));
      }
    }
    throwFaults(service, faults);
    for (const text of given) this.#owners.set(text, name);
    for (const { nodePort, protocol } of ports) if (nodePort > 0) this.#owners.set(portKey(nodePort, protocol), name);
    if ((spec?.healthCheckNodePort ?? 0) > 0) this.#owners.set(portKey(spec?.healthCheckNodePort ?? 0, 'any'), name);
    for (const { ip } of service.status?.loadBalancer?.ingress ?? []) if (ip !== undefined) this.#owners.set(ip, name);
  }

  /** The Service with everything that the API and a load-balancer controller would give it. */
  complete(service: Service): Service {
    let next = service;
    if (needsClusterIP(next) && !isHeadless(next)) next = this.#withClusterIps(next);
    if (needsNodePort(next)) next = this.#withNodePorts(next);
    if (needsHealthCheckNodePort(next) && (next.spec?.healthCheckNodePort ?? 0) === 0)
      next = withSpec(next, { healthCheckNodePort: this.#port(nameOf(next), 'any') });
    if (
      next.spec?.type === 'LoadBalancer' &&
      next.spec.loadBalancerClass === undefined &&
      next.status?.loadBalancer?.ingress === undefined
    )
      next = this.#withIngress(next);
    return next;
  }

  remarks(): string[] {
    const { addresses, ports, balancers } = this.#madeUp;
    return [
      ...(addresses.length === 0 ? [] : [`cluster IPs are made up: ${addresses.join(', ')}`]),
      ...(ports.length === 0 ? [] : [`node ports are made up: ${ports.join(', ')}`]),
      ...(balancers.length === 0 ? [] : [`load-balancer addresses are made up: ${balancers.join(', ')}`]),
      ...(this.#outside.length === 0
        ? []
        : [`cluster IPs outside ${serviceRanges.IPv4} are taken as they are: ${[...new Set(this.#outside)].join(', ')}`]),
    ];
  }

  #withClusterIps(service: Service): Service {
    const { spec } = service;
    const given = spec?.clusterIPs ?? (spec?.clusterIP === undefined || spec.clusterIP === '' ? [] : [spec.clusterIP]);
    const families = (spec?.ipFamilies ?? []).filter((family): family is IpFamily => family === 'IPv4' || family === 'IPv6');
    const [first] = given;
    const wanted: IpFamily[] =
      families.length > 0
        ? families
        : first === undefined
          ? ['IPv4']
          : given.map((text) => (text.includes(':') ? 'IPv6' : 'IPv4'));
    if (spec?.ipFamilyPolicy === 'RequireDualStack' && wanted.length === 1) wanted.push(wanted[0] === 'IPv4' ? 'IPv6' : 'IPv4');
    const clusterIPs = wanted.map(
      (family, index) => given[index] ?? this.#address(nameOf(service), family, serviceRanges, this.#madeUp.addresses),
    );
    return withSpec(service, { clusterIP: clusterIPs[0], clusterIPs, ipFamilies: wanted });
  }

  #withNodePorts(service: Service): Service {
    const ports = (service.spec?.ports ?? []).map((port) =>
      (port.nodePort ?? 0) > 0 ? port : { ...port, nodePort: this.#port(nameOf(service), port.protocol ?? 'TCP', port.name) },
    );
    return withSpec(service, { ports });
  }

  #withIngress(service: Service): Service {
    const families = (service.spec?.ipFamilies ?? []).filter(
      (family): family is IpFamily => family === 'IPv4' || family === 'IPv6',
    );
    const ingress = families.map((family) => ({
      ip: this.#address(nameOf(service), family, balancerRanges, this.#madeUp.balancers),
      ipMode: 'VIP',
    }));
    return { ...service, status: { ...service.status, loadBalancer: { ingress } } };
  }

  #address(owner: string, family: IpFamily, ranges: Readonly<Record<IpFamily, string>>, remarks: string[]): string {
    const base = mustParseCidr(ranges[family]).address;
    const text = this.#take(ranges[family], (offset) => formatIp(addToIp(base, offset)), owner);
    remarks.push(`${owner} ${text}`);
    return text;
  }

  #port(owner: string, protocol: string, name?: string): number {
    const text = this.#take('node ports', (offset) => portKey(nodePortRange.first + offset, protocol), owner);
    const port = Number(text.split('/')[0]);
    const what = protocol === 'any' ? 'health check ' : name === undefined ? '' : `${name} `;
    this.#madeUp.ports.push(`${owner} ${what}${port}`);
    return port;
  }

  /** The next key that nobody has. */
  #take(counter: string, keyAt: (offset: number) => string, owner: string): string {
    for (;;) {
      const offset = this.#next[counter] ?? firstOffset;
      this.#next[counter] = offset + 1;
      const key = keyAt(offset);
      if (this.#owners.has(key)) continue;
      this.#owners.set(key, owner);
      return key;
    }
  }
}

function portKey(port: number, protocol: string): string {
  return `${port}/${protocol}`;
}

function isIn(ranges: Readonly<Record<IpFamily, string>>, text: string): boolean {
  const ip = parseIp(text);
  return ip !== undefined && cidrContains(mustParseCidr(ranges[ip.family]), ip);
}

function throwFaults(service: Service, faults: readonly FieldError[]): void {
  if (faults.length > 0) throw invalid('Service', '', service.metadata?.name ?? '', faults);
}
