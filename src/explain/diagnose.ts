/** Why a Service has no endpoint that could serve: the link that fails, from selector to slice, with the objects nearest to it. Pure. */
import { entryOf } from '../api/index.ts';
import type { EndpointSlice, Pod, Service, ServicePort } from '../api/index.ts';
import type { IpFamily, Protocol } from '../net/index.ts';
import { endpointOfPod, exclusionOf, findPodPort, hasManagedEndpoints, selects } from '../slices/index.ts';
import type { Finding, FindingCode } from './explanation.ts';
import { protocolOf } from './frontends.ts';
import { isAlike } from '../observe/index.ts';
import { declaredPorts, portList, troubleOf } from './pod-state.ts';
import { nameOf, nodeMap, slicesOf } from './world.ts';
import type { World } from './world.ts';

/** Pods and slices that are named before the rest is only counted. */
const shown = 3;

/** The port of the Service in question. */
export interface AskedPort {
  readonly name: string;
  readonly protocol: Protocol;
}

/** Everything that keeps the Service (or this port of it) without endpoints in the family, the first broken link first. */
export function diagnose(world: World, service: Service, family: IpFamily, asked?: AskedPort): Finding[] {
  const port = (service.spec?.ports ?? []).find(
    (candidate) =>
      asked !== undefined && (candidate.name ?? '') === asked.name && protocolOf(candidate.protocol) === asked.protocol,
  );
  return hasManagedEndpoints(service)
    ? diagnoseSelector(world, service, family, port)
    : diagnoseSlices(world, service, family, port);
}

function diagnoseSelector(world: World, service: Service, family: IpFamily, port: ServicePort | undefined): Finding[] {
  const selected = world.pods.filter((pod) => selects(service, pod));
  if (selected.length === 0) return nothingSelected(world, service);
  const findings = grouped(selected, (pod) => podFault(world, service, pod, family, port));
  if (findings.length > 0) return findings;
  const text = `${list(selected.map(nameOf))} should be in its EndpointSlices and ${selected.length === 1 ? 'is' : 'are'} not: the EndpointSlice controller is behind, or does not run`;
  return [cause('slices-behind', text)];
}

/** One finding for each way in which pods fail, naming some of them. */
function grouped(
  pods: readonly Pod[],
  faultOf: (pod: Pod) => { readonly code: FindingCode; readonly text: string } | undefined,
): Finding[] {
  const faults = new Map<string, { code: FindingCode; text: string; names: string[] }>();
  for (const pod of pods) {
    const fault = faultOf(pod);
    if (fault === undefined) continue;
    const known = faults.get(`${fault.code} ${fault.text}`);
    if (known === undefined) faults.set(`${fault.code} ${fault.text}`, { ...fault, names: [nameOf(pod)] });
    else known.names.push(nameOf(pod));
  }
  const all = [...faults.values()];
  const findings = all
    .slice(0, 2 * shown)
    .map(({ code, text, names }) => cause(code, `pod${names.length === 1 ? '' : 's'} ${list(names)}: ${text}`));
  if (all.length <= 2 * shown) return findings;
  return [...findings, cause('pod-not-ready', `and ${all.length - 2 * shown} more pods with troubles of their own`)];
}

function podFault(
  world: World,
  service: Service,
  pod: Pod,
  family: IpFamily,
  port: ServicePort | undefined,
): { code: FindingCode; text: string } | undefined {
  const fault = endpointOfPod(service, pod, nodeMap(world), family);
  const trouble = troubleOf(pod);
  switch (fault.excluded) {
    case 'selector-mismatch':
      return undefined;
    case 'finished':
      return { code: 'pod-finished', text: `it has finished (phase ${pod.status?.phase ?? ''})` };
    case 'no-ip':
      if (exclusionOf(pod, family === 'IPv4' ? 'IPv6' : 'IPv4') === undefined)
        return { code: 'pod-without-address', text: `it has no ${family} address` };
      return { code: 'pod-pending', text: trouble ?? 'it has no address yet' };
    case 'node-missing':
      return { code: 'node-missing', text: `its Node object ${pod.spec?.nodeName ?? ''} does not exist` };
    case undefined:
      break;
  }
  if (port !== undefined && findPodPort(pod, port) === undefined) {
    const wanted = `${String(port.targetPort)} (${port.protocol ?? 'TCP'})`;
    const text = `no container names a port ${wanted}, which is the targetPort; declared: ${portList(declaredPorts(pod))}`;
    return { code: 'no-such-target-port', text };
  }
  if (fault.notReady === 'terminating') return { code: 'pod-terminating', text: 'it is being deleted' };
  if (fault.notReady === 'pod-not-ready')
    return { code: 'pod-not-ready', text: `it is not ready${trouble === undefined ? '' : `: ${trouble}`}` };
  return undefined;
}

function nothingSelected(world: World, service: Service): Finding[] {
  const selector = Object.entries(service.spec?.selector ?? {});
  const text = selector.map(([key, value]) => `${key}=${value}`).join(', ');
  const namespace = service.metadata?.namespace ?? 'default';
  const here = world.pods.filter((pod) => (pod.metadata?.namespace ?? 'default') === namespace);
  const findings = [
    cause(
      'selector-matches-nothing',
      here.length === 0
        ? `there is no pod in namespace ${namespace}; its selector is ${text}`
        : `its selector ${text} matches none of the ${here.length} pod${here.length === 1 ? '' : 's'} in namespace ${namespace}`,
    ),
  ];
  const elsewhere = world.pods.filter((pod) => !here.includes(pod) && matches(pod, selector));
  if (elsewhere.length > 0) {
    const where = `${list(elsewhere.map(nameOf))} would match, but a Service selects pods of its own namespace only`;
    findings.push(cause('pods-in-other-namespace', where));
  }
  return [...findings, ...nearMisses(here, selector)];
}

/** The pods whose labels come nearest: most pairs equal, then most keys present, then values that look alike. */
function nearMisses(pods: readonly Pod[], selector: readonly (readonly [string, string])[]): Finding[] {
  const scored = pods.map((pod) => ({ pod, score: nearness(pod, selector) })).filter(({ score }) => score > 0);
  const best = Math.max(...scored.map(({ score }) => score));
  const nearest = scored.filter(({ score }) => score === best).map(({ pod }) => pod);
  return grouped(nearest, (pod) => ({ code: 'near-miss', text: differences(pod, selector) })).slice(0, shown);
}

function nearness(pod: Pod, selector: readonly (readonly [string, string])[]): number {
  const labels = pod.metadata?.labels ?? {};
  const entries = Object.entries(labels);
  let score = 0;
  for (const [key, value] of selector) {
    const own = entryOf(labels, key);
    if (own === value) score += 100;
    else if (own !== undefined) score += isAlike(own, value) ? 20 : 1;
    else if (entries.some(([, other]) => other === value)) score += 10;
    else if (entries.some(([other]) => isAlike(other, key))) score += 5;
  }
  // one key in common whose value is quite different tells nothing
  return score > 1 ? score : 0;
}

/** What about the pod's labels differs, label by label. */
function differences(pod: Pod, selector: readonly (readonly [string, string])[]): string {
  const labels = pod.metadata?.labels ?? {};
  const texts = selector.flatMap(([key, value]) => {
    const own = entryOf(labels, key);
    if (own === value) return [];
    if (own !== undefined) return [`label ${key} is ${quote(own)} and should be ${quote(value)}`];
    const same = Object.entries(labels).find(([other, text]) => text === value || isAlike(other, key));
    return [`label ${key} is missing${same === undefined ? '' : ` (it has ${same[0]}=${same[1]})`}`];
  });
  return texts.join('; ');
}

function diagnoseSlices(world: World, service: Service, family: IpFamily, port: ServicePort | undefined): Finding[] {
  const own = slicesOf(world, service);
  const name = service.metadata?.name ?? '';
  if (own.length === 0) return [noSlices(name), ...strays(world, service)];
  const findings: Finding[] = [];
  for (const slice of own.slice(0, shown)) {
    const fault = sliceFault(slice, service, family, port);
    if (fault !== undefined) findings.push(fault);
  }
  return findings.length > 0
    ? findings
    : [cause('slices-behind', `its EndpointSlices hold no endpoint`), ...strays(world, service)];
}

function noSlices(name: string): Finding {
  const text = `it has no selector, so nobody fills its endpoints: write an EndpointSlice with the label kubernetes.io/service-name: ${name} (or an Endpoints object called ${name})`;
  return cause('no-selector', text);
}

/** Slices that somebody probably meant for the Service. */
function strays(world: World, service: Service): Finding[] {
  const { name = '', namespace = 'default' } = service.metadata ?? {};
  return world.slices
    .filter((slice) => {
      const label = slice.metadata?.labels?.['kubernetes.io/service-name'];
      const isHere = (slice.metadata?.namespace ?? 'default') === namespace;
      return isHere ? label === undefined && (slice.metadata?.name ?? '').startsWith(name) : label === name;
    })
    .slice(0, shown)
    .map((slice) => {
      const isHere = (slice.metadata?.namespace ?? 'default') === namespace;
      const text = isHere
        ? `EndpointSlice ${nameOf(slice)} has no label kubernetes.io/service-name, so it belongs to no Service whatever its name is`
        : `EndpointSlice ${nameOf(slice)} names ${name}, but is in another namespace than the Service`;
      return cause('slice-without-label', text);
    });
}

function sliceFault(
  slice: EndpointSlice,
  service: Service,
  family: IpFamily,
  port: ServicePort | undefined,
): Finding | undefined {
  const where = `EndpointSlice ${nameOf(slice)}`;
  if (slice.addressType !== family) {
    const text = `${where} has addressType ${slice.addressType}, and this question is about ${family}`;
    return cause('slice-of-other-family', text);
  }
  if ((slice.endpoints ?? []).length === 0) return cause('slice-not-ready', `${where} lists no endpoint`);
  const ports = slice.ports ?? [];
  const wanted = { name: port?.name ?? '', protocol: protocolOf(port?.protocol) };
  if (
    port !== undefined &&
    !ports.some((entry) => (entry.name ?? '') === wanted.name && protocolOf(entry.protocol) === wanted.protocol)
  ) {
    const has = ports.map((entry) => `${quote(entry.name ?? '')} ${entry.port ?? ''}/${protocolOf(entry.protocol)}`).join(', ');
    const text = `${where} has no port called ${quote(wanted.name)} with ${wanted.protocol}, as the Service's port is called; it has ${has === '' ? 'none' : has}: ports join by name, not by number`;
    return cause('slice-without-port', text);
  }
  if ((slice.endpoints ?? []).every((endpoint) => endpoint.conditions?.ready === false))
    return cause('slice-not-ready', `${where}: none of its endpoints has the condition ready`);
  return undefined;
}

/** Pods that serve, and no container of which declares the port that connections are sent to. */
export function undeclaredPorts(pods: readonly { readonly pod: Pod; readonly port: number }[], protocol: Protocol): Finding[] {
  const byText = new Map<string, string[]>();
  for (const { pod, port } of pods) {
    const declared = declaredPorts(pod);
    if (declared.some((candidate) => candidate.port === port && candidate.protocol === protocol)) continue;
    const text = `no container declares port ${port}/${protocol} (declared: ${portList(declared)}): unless something listens there all the same, the pod refuses`;
    byText.set(text, [...(byText.get(text) ?? []), nameOf(pod)]);
  }
  return [...byText].slice(0, shown).map(([text, names]) => ({
    kind: 'warning',
    code: 'port-not-declared',
    text: `pod${names.length === 1 ? '' : 's'} ${list(names)}: ${text}`,
  }));
}

function matches(pod: Pod, selector: readonly (readonly [string, string])[]): boolean {
  return selector.every(([key, value]) => pod.metadata?.labels?.[key] === value);
}

function list(names: readonly string[]): string {
  return names.length <= shown ? names.join(', ') : `${names.slice(0, shown).join(', ')} and ${names.length - shown} more`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}

function cause(code: FindingCode, text: string): Finding {
  return { kind: 'cause', code, text };
}
