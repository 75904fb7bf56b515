/** Where would this request go, and why. Pure: the world in, the answer out. */
import { internalIpsOf } from '../routing/index.ts';
import { locateClient } from './client-place.ts';
import type { ClientPlace } from './client-place.ts';
import { explainAddress } from './explain-address.ts';
import { ending } from './ending.ts';
import type { Base } from './ending.ts';
import { explainTypedName } from './explain-typed-name.ts';
import type { Explanation, Finding } from './explanation.ts';
import { parseTarget, QuestionError } from './question.ts';
import type { Place, Target } from './question.ts';
import { troubleOf } from './pod-state.ts';
import { nodeMap } from './world.ts';
import type { RefusedObject, World } from './world.ts';

export interface Question {
  /** As typed. */
  readonly target: string;
  readonly from: Place;
  /** Completes short names and places. */
  readonly namespace: string;
}

/** Explains. Throws `QuestionError` when the question cannot be understood or names a place that does not exist. */
export function explain(world: World, question: Question): Explanation {
  const target = parseTarget(question.target);
  const client = locateClient(world, question.from, question.namespace);
  const base: Base = {
    target: question.target,
    from: client.text,
    ...(client.nodeName === undefined ? {} : { node: client.nodeName }),
    assumptions: world.assumptions,
  };
  const refused = refusedService(world, client, target);
  const answer = refused === undefined ? answerTo(world, client, target, base) : explainRefused(refused, base);
  const others = refusedFindings(world.refused.filter((object) => object !== refused));
  const findings = [...answer.findings, ...clientFindings(client), ...others];
  return findings.length === answer.findings.length ? answer : { ...answer, findings };
}

const shownRefusals = 5;

function answerTo(world: World, client: ClientPlace, target: Target, base: Base): Explanation {
  switch (target.kind) {
    case 'name':
      return explainTypedName(world, client, target, base);
    case 'node':
      return explainNode(world, client, target, base);
    case 'address':
      return explainAddress(world, client, target, base, []);
  }
}

function explainNode(
  world: World,
  client: ClientPlace,
  target: Extract<Target, { readonly kind: 'node' }>,
  base: Base,
): Explanation {
  const node = nodeMap(world).get(target.node);
  if (node === undefined) {
    const names = world.nodes.map((candidate) => candidate.metadata?.name ?? '').join(', ');
    throw new QuestionError(`there is no node ${target.node}: there are ${names === '' ? 'none' : names}`, {
      code: 'unknown-node',
      text: target.node,
    });
  }
  const address = internalIpsOf(node)[0];
  if (address === undefined) return ending(base, 'unreachable', `node ${target.node} has no address`, []);
  return explainAddress(world, client, { ...target, address }, base, [{ code: 'name', text: `${target.node} is ${address}` }]);
}

/** The refused Service that the question is about: by its name, or by an address or node port written in it. */
function refusedService(world: World, client: ClientPlace, target: Target): RefusedObject | undefined {
  const services = world.refused.filter((object) => object.kind === 'Service');
  if (target.kind === 'name') {
    const [name = '', namespace = client.namespace] = target.name.replace(/\.$/, '').split('.');
    return services.find((object) => object.name === name && object.namespace === namespace);
  }
  const spec = (object: RefusedObject): Readonly<Record<string, unknown>> => asRecord(object.value['spec']);
  const entries = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  if (target.kind === 'node')
    return services.find((object) =>
      entries(spec(object)['ports']).some((port) => asRecord(port)['nodePort'] === target.port && target.port !== undefined),
    );
  return services.find((object) =>
    [spec(object)['clusterIP'], ...entries(spec(object)['clusterIPs']), ...entries(spec(object)['externalIPs'])].includes(
      target.address,
    ),
  );
}

function explainRefused({ namespace, name, position, message }: RefusedObject, base: Base): Explanation {
  const service = `${namespace}/${name}`;
  const summary = `the API refuses Service ${service}, so nothing of it exists: ${position}: ${message}`;
  return ending(base, 'invalid', summary, [], { service });
}

/** Objects that are missing from this world; a long list would hide the answer. */
function refusedFindings(refused: readonly RefusedObject[]): Finding[] {
  const finding = (text: string): Finding => ({ kind: 'warning', code: 'object-refused', text });
  const findings = refused
    .slice(0, shownRefusals)
    .map(({ kind, namespace, name, position, message }) =>
      finding(`the API refuses ${kind} ${namespace}/${name}: ${position}: ${message}`),
    );
  const rest = refused.length - shownRefusals;
  return rest > 0 ? [...findings, finding(`the API refuses ${rest} more object${rest === 1 ? '' : 's'}`)] : findings;
}

/** A client that cannot send anything yet. */
function clientFindings({ pod, addresses, text }: ClientPlace): Finding[] {
  if (pod === undefined || addresses.length > 0) return [];
  const why = troubleOf(pod);
  const said = `${text} has no address yet${why === undefined ? '' : ` (${why})`}: this is what will happen once it runs`;
  return [{ kind: 'warning', code: 'pod-pending', text: said }];
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
