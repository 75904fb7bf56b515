/** A name as its client resolves it: the walk of the search path over the very index that the name server answers from. Pure. */
import type { Service } from '../api/index.ts';
import { explainName, NameIndex } from '../names/index.ts';
import type { EndpointView, NameExplanation, NameReason, RecordSource } from '../names/index.ts';
import type { ClientPlace } from './client-place.ts';
import type { Finding, NameAttempt, NameQuery, NameWalk } from './explanation.ts';
import { podNameFindings } from './pod-names.ts';
import { namesToTry, resolverOf } from './resolver.ts';
import { nameOf } from './world.ts';
import type { World } from './world.ts';

/** What a name leads to in the end. `service`: the one that gave the last records. */
export type NameEnd =
  | { readonly kind: 'addresses'; readonly name: string; readonly addresses: readonly string[]; readonly service?: Service }
  | { readonly kind: 'ports'; readonly name: string; readonly records: readonly ServerRecord[]; readonly service?: Service }
  | { readonly kind: 'alias'; readonly name: string; readonly target: string; readonly service?: Service }
  | { readonly kind: 'empty'; readonly name: string; readonly message: string }
  | { readonly kind: 'missing'; readonly message: string }
  /** Not of the cluster domain. `aside`: what the cluster lacks, should it have been meant. */
  | { readonly kind: 'foreign'; readonly name: string; readonly aside?: string };

/** An SRV record. */
export interface ServerRecord {
  readonly port: number;
  readonly target: string;
}

/** The walk and its end. */
export interface ResolvedName {
  readonly walk: NameWalk;
  readonly end: NameEnd;
  readonly findings: readonly Finding[];
  /** Endpoints that the last name does not show because they are not ready. */
  readonly withheld: readonly EndpointView[];
  /** The client has no resolver of the cluster; a pod's was assumed. */
  readonly isAssumed: boolean;
}

/** Resolves a name as typed. A name that starts with an underscore is asked for SRV, any other for A and AAAA. */
export function walkName(world: World, client: ClientPlace, typed: string): ResolvedName {
  const index = indexOf(world);
  const resolver = resolverOf(world, client);
  const types = typed.startsWith('_') ? ['SRV'] : ['A', 'AAAA'];
  const attempts: NameAttempt[] = [];
  const missing: { name: string; reason: NameReason }[] = [];
  const walk: NameWalk = { search: resolver.search, ndots: resolver.ndots, attempts };
  const finish = (end: NameEnd, findings: readonly Finding[], withheld: readonly EndpointView[] = []): ResolvedName => ({
    walk,
    end,
    findings: [...resolver.findings, ...(isAnswerable(end) ? searchFindings(world, typed, attempts) : []), ...findings],
    withheld,
    isAssumed: resolver.isAssumed,
  });
  let emptyEnd: NameEnd | undefined;
  for (const name of namesToTry(resolver, typed)) {
    const answers = types.map((type) => explainName(index, name, type));
    const attempt = attemptOf(name, answers, index.ttlSeconds);
    attempts.push(attempt);
    if (attempt.result === 'found' || attempt.result === 'alias') {
      const first = attempts.find(({ result }) => result === 'foreign');
      const doubts = first === undefined ? [] : [outsideFirst(first.name, resolver.ndots)];
      return finish(endOf(world, name, attempt, answers), doubts, answers[0]?.withheld ?? []);
    }
    // whether another server knows it is not known here; if it does not, the search goes on
    if (attempt.result === 'foreign') continue;
    const reason = answers.find((answer) => answer.reason !== undefined)?.reason;
    // glibc goes on after a name without data, musl stops there; either way nothing has been found
    if (attempt.result === 'empty' && reason?.code === 'name-has-no-data') missing.push({ name, reason });
    else if (attempt.result === 'empty')
      emptyEnd ??= { kind: 'empty', name, message: reason?.message ?? `${name} has no address` };
    else if (reason !== undefined) missing.push({ name, reason });
  }
  if (emptyEnd !== undefined) return finish(emptyEnd, []);
  const best = bestReason(world, index, missing);
  const withheld = best === undefined ? [] : explainName(index, best.name, types[0] ?? 'A').withheld;
  const foreign = attempts.find(({ result }) => result === 'foreign');
  // a suffix of elsewhere in the search path may make a name of anything
  const isLikely = foreign !== undefined && foreign.name !== typed.replace(/\.$/, '');
  if (foreign !== undefined && (isLikely || !isMeantForCluster(world, index, typed, best?.name)))
    return finish({ kind: 'foreign', name: foreign.name, ...(best === undefined ? {} : { aside: best.reason.message }) }, []);
  const findings = best === undefined ? [] : podNameFindings(world, labelsOf(world, best.name) ?? []);
  return finish(
    {
      kind: 'missing',
      message: best?.reason.message ?? `${typed} is asked for as it stands, and is no name of ${world.clusterDomain}`,
    },
    findings,
    withheld,
  );
}

/** The cluster is asked second: then another server, or the client's C library, may have it otherwise. */
function outsideFirst(name: string, ndots: number): Finding {
  const text = `${name} is asked for before: the cluster's name is found only if no other name server knows that one, and by glibc; musl (Alpine) searches no further for a name with as many dots as ndots (${ndots})`;
  return { kind: 'warning', code: 'outside-first', text };
}

/** Labels left of the cluster domain; undefined when the name is of another domain. */
export function labelsOf(world: World, name: string): readonly string[] | undefined {
  const suffix = `.${world.clusterDomain}`;
  return name.endsWith(suffix) ? name.slice(0, -suffix.length).split('.') : undefined;
}

/** A world never changes, so its index is made once. */
const indexes = new WeakMap<World, NameIndex>();

function indexOf(world: World): NameIndex {
  const known = indexes.get(world);
  if (known !== undefined) return known;
  const index = new NameIndex({ zone: world.clusterDomain, nowSeconds: () => 0, podMode: 'verified' });
  for (const name of world.namespaces) index.applyNamespace({ metadata: { name } });
  // slices first: the records of a Service are then made once, when it comes
  for (const slice of world.slices) index.applyEndpointSlice(slice);
  for (const service of world.services) index.applyService(service);
  for (const pod of world.pods) index.applyPod(pod);
  indexes.set(world, index);
  return index;
}

function attemptOf(name: string, explanations: readonly NameExplanation[], ttlSeconds: number): NameAttempt {
  const queries = explanations.map(({ type, rcode, answers, reason }): NameQuery => ({
    type,
    rcode,
    answers: answers.map(({ type: own, data, source }) => ({
      type: own,
      data,
      from: sourceText(source),
      ...(source.kind === 'EndpointSlice' ? { endpoint: source.endpoint.target ?? source.endpoint.label } : {}),
    })),
    ...(reason === undefined ? {} : { reason: { code: reason.code, message: reason.message } }),
    cache: {
      server: rcode === 'REFUSED' || reason?.code === 'alias-leaves-zone' ? ('forwarded' as const) : ('never' as const),
      ...(rcode === 'REFUSED' ? {} : { clientSeconds: answers.length === 0 ? Math.min(ttlSeconds, 300) : ttlSeconds }),
    },
  }));
  return { name, result: resultOf(explanations), queries };
}

function resultOf(explanations: readonly NameExplanation[]): NameAttempt['result'] {
  if (explanations.some(({ answers, type }) => answers.some((record) => record.type === type))) return 'found';
  if (explanations.some(({ reason }) => reason?.code === 'alias-leaves-zone')) return 'alias';
  if (explanations.every(({ rcode }) => rcode === 'REFUSED')) return 'foreign';
  return explanations.every(({ rcode }) => rcode === 'NXDOMAIN') ? 'missing' : 'empty';
}

function endOf(world: World, name: string, attempt: NameAttempt, explanations: readonly NameExplanation[]): NameEnd {
  const records = explanations.flatMap(({ answers }) => answers);
  const last = records.findLast((record) => record.type !== 'CNAME') ?? records.at(-1);
  const service = last === undefined ? undefined : serviceOf(world, last.owner);
  const owner = service === undefined ? {} : { service };
  if (attempt.result === 'alias')
    return {
      kind: 'alias',
      name,
      target: (records.findLast((record) => record.type === 'CNAME')?.data ?? '').replace(/\.$/, ''),
      ...owner,
    };
  const servers = records.flatMap(({ type, data }): ServerRecord[] => {
    const [, , port = '', target = ''] = data.split(' ');
    return type === 'SRV' ? [{ port: Number(port), target: target.replace(/\.$/, '') }] : [];
  });
  if (servers.length > 0) return { kind: 'ports', name, records: servers, ...owner };
  const addresses = records.filter(({ type }) => type === 'A' || type === 'AAAA').map(({ data }) => data);
  return { kind: 'addresses', name, addresses: [...new Set(addresses)], ...owner };
}

/** The Service below whose name a record stands. */
function serviceOf(world: World, owner: string): Service | undefined {
  const labels = labelsOf(world, owner) ?? [];
  if (labels.at(-1) !== 'svc') return undefined;
  const key = `${labels.at(-2) ?? ''}/${labels.at(-3) ?? ''}`;
  return world.services.find((service) => nameOf(service) === key);
}

function sourceText(source: RecordSource): string {
  switch (source.kind) {
    case 'zone':
      return 'the name server itself';
    case 'Service':
      return `Service ${source.namespace}/${source.name} (${source.field})`;
    case 'EndpointSlice':
      return `EndpointSlice ${source.namespace}/${source.name}`;
    case 'Pod':
      return source.pods.length === 0 ? `any address of namespace ${source.namespace}` : `Pod ${source.pods.join(', ')}`;
  }
}

/**
 * The reason that helps most: the reading that got furthest, then the one that is exactly Service and namespace, then the
 * one of an endpoint's name.
 */
function bestReason(
  world: World,
  index: NameIndex,
  missing: readonly { readonly name: string; readonly reason: NameReason }[],
): { readonly name: string; readonly reason: NameReason } | undefined {
  const rank = (name: string): number => {
    const labels = labelsOf(world, name) ?? [];
    if (labels.at(-1) !== 'svc') return labels.at(-1) === 'pod' ? 2 : 0;
    if (index.service(labels.at(-2) ?? '', labels.at(-3) ?? '')?.service !== undefined) return 3;
    return labels.length === 3 ? 2 : labels.length === 4 ? 1 : 0;
  };
  let best: { readonly name: string; readonly reason: NameReason } | undefined;
  for (const candidate of missing) if (best === undefined || rank(candidate.name) > rank(best.name)) best = candidate;
  return best;
}

/** Whether somebody meant a name of the cluster: one label, or a namespace or a Service that the cluster knows stands in it. */
function isMeantForCluster(world: World, index: NameIndex, typed: string, best: string | undefined): boolean {
  if (typed.endsWith('.')) return false;
  const labels = typed.split('.');
  if (labels.length === 1 || labels.at(-1) === 'svc' || labels.some((label) => world.namespaces.includes(label))) return true;
  const read = best === undefined ? [] : (labelsOf(world, best) ?? []);
  if (read.at(-1) === 'svc' && index.service(read.at(-2) ?? '', read.at(-3) ?? '')?.service !== undefined) return true;
  return labels.length === 2 && world.services.some((service) => service.metadata?.name === labels[0]);
}

/** The name exists, or may exist outside: then a shorter way to it is worth a word. */
function isAnswerable({ kind }: NameEnd): boolean {
  return kind !== 'missing' && kind !== 'empty';
}

/** How many questions are asked in vain, where a final dot would save them. */
function searchFindings(world: World, typed: string, attempts: readonly NameAttempt[]): Finding[] {
  const last = attempts.at(-1);
  const isWhole =
    last !== undefined && (last.result === 'foreign' || labelsOf(world, typed) !== undefined) && last.name === typed;
  const vain = attempts.slice(0, -1).reduce((sum, attempt) => sum + attempt.queries.length, 0);
  if (!isWhole || vain < 3) return [];
  const text = `the search path costs ${vain} queries in vain before the one that counts; written with a final dot (${typed}.), the name is asked for at once`;
  return [{ kind: 'warning', code: 'endless-search', text }];
}
