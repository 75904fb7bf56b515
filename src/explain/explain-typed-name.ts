/** A name as typed: the walk, and then the way to what it stands for. Pure. */
import type { Service } from '../api/index.ts';
import { ipFamilyOf } from '../net/index.ts';
import type { IpFamily, Protocol } from '../net/index.ts';
import { canonicalIp } from '../routing/index.ts';
import type { ClientPlace } from './client-place.ts';
import { diagnose } from './diagnose.ts';
import { ending } from './ending.ts';
import type { Base } from './ending.ts';
import { explainAddress } from './explain-address.ts';
import { podCandidate } from './explain-host.ts';
import type { CandidateEndpoint, ExcludedEndpoint, Explanation, Step } from './explanation.ts';
import { aliasFindings, directFindings } from './name-findings.ts';
import { podAt, podNamed, protocolOf } from './frontends.ts';
import { walkName } from './name-walk.ts';
import { walkSteps } from './walk-steps.ts';
import type { NameEnd, ResolvedName } from './name-walk.ts';
import { QuestionError } from './question.ts';
import type { Target } from './question.ts';
import { excludedPods, troubleText } from './route.ts';
import { nameOf, nodeMap } from './world.ts';
import type { World } from './world.ts';
import { findPodPort } from '../slices/index.ts';

type NameTarget = Extract<Target, { readonly kind: 'name' }>;

/** Explains a request to a name. */
export function explainTypedName(world: World, client: ClientPlace, target: NameTarget, base: Base): Explanation {
  const resolved = walkName(world, client, target.name);
  const steps = walkSteps(client, resolved);
  const { end, walk, findings } = resolved;
  const answer = answerTo(world, client, target, base, steps, resolved);
  const service = answer.service ?? ('service' in end && end.service !== undefined ? nameOf(end.service) : undefined);
  return { ...answer, ...(service === undefined ? {} : { service }), name: walk, findings: [...findings, ...answer.findings] };
}

function answerTo(
  world: World,
  client: ClientPlace,
  target: NameTarget,
  base: Base,
  steps: readonly Step[],
  resolved: ResolvedName,
): Explanation {
  const { end } = resolved;
  switch (end.kind) {
    case 'missing':
      return explainMissing(world, base, steps, end.message, resolved);
    case 'empty':
      return ending(base, 'no-such-name', `no address: ${end.message}`, steps);
    case 'foreign': {
      const aside = end.aside === undefined ? '' : `; should the cluster have been meant: ${end.aside}`;
      const summary = `${end.name} is no name of ${world.clusterDomain}: the cluster's name server passes it on to an outside one, if it has any${aside}`;
      return ending(base, 'outside-name', summary, steps);
    }
    case 'alias': {
      const summary = `${end.name} is an alias (CNAME) for ${end.target}: the client resolves that name outside and connects there itself`;
      return ending(base, 'alias', summary, steps, { findings: aliasFindings(end, target) });
    }
    case 'ports':
      return explainPorts(world, client, end, base, steps, resolved);
    case 'addresses':
      return explainAddresses(world, client, target, end, base, steps, resolved);
  }
}

/** The name does not exist; when that is because nobody behind it is ready, that is explained as well. */
function explainMissing(
  world: World,
  base: Base,
  steps: readonly Step[],
  message: string,
  { walk, withheld }: ResolvedName,
): Explanation {
  const headless = emptyHeadless(
    world,
    walk.attempts.flatMap(({ queries }) => queries.flatMap(({ reason }) => reason?.code ?? [])),
    walk,
  );
  const findings = headless === undefined ? [] : diagnose(world, headless, familyOf(headless), { name: '', protocol: 'TCP' });
  return ending(base, 'no-such-name', `the name does not exist (NXDOMAIN): ${message}`, steps, {
    findings,
    excluded: withheld.map((view) => withheldEndpoint(world, headless?.metadata?.namespace ?? '', view)),
    ...(headless === undefined ? {} : { service: nameOf(headless) }),
  });
}

/** The headless Service whose name is missing only because it has no ready endpoint. */
function emptyHeadless(world: World, codes: readonly string[], { attempts }: ResolvedName['walk']): Service | undefined {
  if (!codes.includes('no-ready-endpoints') && !codes.includes('no-endpoints')) return undefined;
  const attempt = attempts.find(({ queries }) =>
    queries.some(({ reason }) => reason?.code === 'no-ready-endpoints' || reason?.code === 'no-endpoints'),
  );
  const labels = (attempt?.name ?? '').slice(0, -(world.clusterDomain.length + 1)).split('.');
  const key = `${labels.at(-2) ?? ''}/${labels.at(-3) ?? ''}`;
  return world.services.find((service) => nameOf(service) === key);
}

function explainAddresses(
  world: World,
  client: ClientPlace,
  target: NameTarget,
  end: Extract<NameEnd, { readonly kind: 'addresses' }>,
  base: Base,
  steps: readonly Step[],
  resolved: ResolvedName,
): Explanation {
  const { service, addresses } = end;
  const virtual = service === undefined ? undefined : addresses.find((address) => isClusterIp(service, address));
  if (service === undefined || virtual === undefined) return explainDirect(world, client, target, end, base, steps, resolved);
  const others = addresses.filter((address) => ipFamilyOf(address) !== ipFamilyOf(virtual));
  const note: Step[] =
    others.length === 0
      ? []
      : [{ code: 'note', text: `the client may take ${others.join(', ')} as well; the rest is about ${virtual}` }];
  return explainAddress(world, client, { address: virtual, ...pickPort(service, target) }, base, [...steps, ...note]);
}

/** A headless Service or one endpoint of it: the client connects to a pod's address, and no proxy has a part in it. */
function explainDirect(
  world: World,
  client: ClientPlace,
  target: NameTarget,
  { service, addresses }: Extract<NameEnd, { readonly kind: 'addresses' }>,
  base: Base,
  steps: readonly Step[],
  { withheld }: ResolvedName,
): Explanation {
  const servicePort = service === undefined ? undefined : namedPort(service, target);
  const candidates = addresses.map((address): CandidateEndpoint => {
    const pod = podAt(world, address) ?? hostPodAt(world, service, address);
    const port = target.port ?? (pod === undefined || servicePort === undefined ? undefined : findPodPort(pod, servicePort));
    return podCandidate(
      client,
      { address, ...(port === undefined ? {} : { port }) },
      pod,
      'in the answer of the name',
      1 / addresses.length,
    );
  });
  const count = addresses.length === 1 ? 'the one address' : `one of ${addresses.length} addresses (their order rotates)`;
  const families = [...new Set(addresses.map((address) => ipFamilyOf(address) ?? 'IPv4'))];
  const more = {
    candidates,
    excluded: [
      ...withheld.map((view) => withheldEndpoint(world, service?.metadata?.namespace ?? '', view)),
      ...(service === undefined ? [] : families.slice(0, 1).flatMap((family) => excludedPods(world, service, family))),
    ],
    findings: directFindings(world, service, target, candidates),
  };
  if (client.nodeName === undefined) {
    const summary =
      'unreachable: the name leads to pods directly, and pod addresses are known inside the cluster only (unless your network routes them)';
    return ending(base, 'unreachable', summary, steps, { ...more, candidates: [], findings: [] });
  }
  const summary = `the name leads to pods directly: the client takes ${count} and connects to it without a proxy, on the pod's own port`;
  return ending(base, 'names-only', summary, steps, more);
}

/** A port name: SRV records say which address and port. */
function explainPorts(
  world: World,
  client: ClientPlace,
  { records, service }: Extract<NameEnd, { readonly kind: 'ports' }>,
  base: Base,
  steps: readonly Step[],
  { withheld }: ResolvedName,
): Explanation {
  const [first] = records;
  const resolvedTargets = records.map((record) => ({ record, end: walkName(world, client, `${record.target}.`).end }));
  const lone = resolvedTargets[0]?.end;
  if (service !== undefined && records.length === 1 && first !== undefined && lone?.kind === 'addresses') {
    const virtual = lone.addresses.find((address) => isClusterIp(service, address));
    const protocol = protocolOf((service.spec?.ports ?? []).find((port) => port.port === first.port)?.protocol);
    if (virtual !== undefined)
      return explainAddress(world, client, { address: virtual, port: first.port, protocol }, base, steps);
  }
  const candidates = resolvedTargets.flatMap(({ record, end }): CandidateEndpoint[] =>
    end.kind !== 'addresses'
      ? []
      : end.addresses.map((address) =>
          podCandidate(
            client,
            { address, port: record.port },
            podAt(world, address) ?? hostPodAt(world, service, address),
            `SRV record ${record.target}`,
            1 / records.length / end.addresses.length,
          ),
        ),
  );
  const excluded = withheld.map((view) => withheldEndpoint(world, service?.metadata?.namespace ?? '', view));
  const summary = `the SRV records name ${records.length === 1 ? 'one target' : `${records.length} targets`}, each with its port: the client connects there without a proxy`;
  return ending(base, client.nodeName === undefined ? 'unreachable' : 'names-only', summary, steps, { candidates, excluded });
}

function withheldEndpoint(
  world: World,
  namespace: string,
  view: { readonly address: string; readonly target?: string; readonly nodeName?: string; readonly isTerminating: boolean },
): ExcludedEndpoint {
  const name = view.target?.startsWith('Pod/') === true ? `${namespace}/${view.target.slice('Pod/'.length)}` : undefined;
  const pod = podNamed(world, name);
  const code = view.isTerminating ? 'terminating' : 'not-ready';
  return {
    address: view.address,
    ...(pod === undefined ? {} : { pod: nameOf(pod) }),
    ...(view.nodeName === undefined ? {} : { node: view.nodeName }),
    code,
    reason: view.isTerminating
      ? 'terminating: withheld from the name'
      : `not ready, withheld from the name${troubleText(world, name, code)}`,
  };
}

/** A pod in its node's network has the node's address; which pod it is, the Service's slices tell. */
function hostPodAt(world: World, service: Service | undefined, address: string): World['pods'][number] | undefined {
  if (service === undefined || nodeMap(world).size === 0) return undefined;
  for (const slice of world.slices) {
    if (
      slice.metadata?.namespace !== service.metadata?.namespace ||
      slice.metadata?.labels?.['kubernetes.io/service-name'] !== service.metadata?.name
    )
      continue;
    for (const endpoint of slice.endpoints ?? [])
      if (endpoint.addresses.includes(address) && endpoint.targetRef?.kind === 'Pod')
        return podNamed(world, `${endpoint.targetRef.namespace ?? ''}/${endpoint.targetRef.name ?? ''}`);
  }
  return undefined;
}

/** The port asked for: by number, by name, or the Service's first one. Throws `QuestionError` for a name that it does not have. */
function pickPort(service: Service, target: NameTarget): { readonly port?: number; readonly protocol: Protocol } {
  if (target.port !== undefined) return { port: target.port, protocol: target.protocol };
  const port = namedPort(service, target) ?? service.spec?.ports?.[0];
  return port === undefined ? { protocol: target.protocol } : { port: port.port, protocol: protocolOf(port.protocol) };
}

function namedPort(service: Service, target: NameTarget): NonNullable<NonNullable<Service['spec']>['ports']>[number] | undefined {
  const ports = service.spec?.ports ?? [];
  if (target.portName === undefined) return target.port === undefined && ports.length === 1 ? ports[0] : undefined;
  const named = ports.find((port) => port.name === target.portName);
  if (named !== undefined) return named;
  const names = ports.map((port) => port.name ?? '').filter((name) => name !== '');
  const hint = names.length === 0 ? 'its ports have no names' : `its ports are called ${names.join(', ')}`;
  throw new QuestionError(`Service ${nameOf(service)} has no port called ${target.portName}: ${hint}`, {
    code: 'bad-target',
    text: target.portName,
  });
}

function isClusterIp(service: Service, address: string): boolean {
  const family = ipFamilyOf(address) ?? 'IPv4';
  return (service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? '']).some((text) => canonicalIp(text, family) === address);
}

function familyOf(service: Service): IpFamily {
  return service.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
}
