/** Subresources of pods that write: `binding` puts a pod on a node, `eviction` deletes it. */
import type { Binding, Eviction, Pod, PodCondition } from '../../api/index.ts';
import { badRequest, bindingSchema, conflict, evictionSchema, successStatus, formatTime } from '../../api/index.ts';
import type { Answer, Exchange } from '../http/exchange.ts';
import { jsonAnswer } from '../http/exchange.ts';
import { readObjectBody } from '../http/object-requests.ts';
import type { ResourcePath } from '../http/request-info.ts';
import { writeOptionsOf } from '../http/request-options.ts';
import type { Services } from '../http/services.ts';
import type { Served } from '../registry/catalog.ts';
import { deleteObject } from '../registry/delete.ts';
import { metaOf } from '../registry/rules.ts';
import { updateObject } from '../registry/update.ts';
import type { ApiObject } from '../store/index.ts';

/** POST of a Binding: the scheduler's decision. A pod is bound once. */
export async function serveBinding(services: Services, exchange: Exchange, served: Served, path: ResourcePath): Promise<Answer> {
  const options = writeOptionsOf(exchange);
  const expected = { group: '', version: 'v1', kind: 'Binding', schema: bindingSchema };
  const binding = (await readObjectBody(exchange, expected, options)) as unknown as Binding;
  const name = path.name === '' ? (binding.metadata?.name ?? '') : path.name;
  const nodeName = binding.target.name ?? '';
  if (nodeName === '') throw badRequest('target.name: the name of a node is needed');
  const { context } = services;
  const target = { namespace: path.namespace, name, part: 'main', mayCreate: false } as const;
  const now = formatTime(context.now());
  const change = (current: ApiObject | undefined): ApiObject => bound(served, (current ?? {}) as Pod, binding, nodeName);
  updateObject(context, served, target, change, options);
  // Status is a part of its own for every write, this one included.
  const scheduled = (current: ApiObject | undefined): ApiObject => withScheduled((current ?? {}) as Pod, now);
  updateObject(context, served, { ...target, part: 'status' }, scheduled, options);
  return jsonAnswer(201, successStatus());
}

/** POST of an Eviction: a deletion, here without disruption budgets. */
export async function serveEviction(
  services: Services,
  exchange: Exchange,
  served: Served,
  { namespace, name }: ResourcePath,
): Promise<Answer> {
  const options = writeOptionsOf(exchange);
  const expected = { group: 'policy', version: 'v1', kind: 'Eviction', schema: evictionSchema };
  const eviction = (await readObjectBody(exchange, expected, options)) as unknown as Eviction;
  const isDryRun = options.isDryRun || (eviction.deleteOptions?.dryRun ?? []).includes('All');
  deleteObject(services.context, served, namespace, name, eviction.deleteOptions ?? {}, isDryRun);
  return jsonAnswer(201, successStatus());
}

function bound({ resource }: Served, pod: Pod, { metadata }: Binding, nodeName: string): ApiObject {
  const meta = metaOf(pod);
  const name = meta.name ?? '';
  if (metadata?.uid !== undefined && metadata.uid !== meta.uid) {
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${meta.uid ?? ''}`,
    );
  }
  if (meta.deletionTimestamp !== undefined)
    throw conflict(resource, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  const current = pod.spec?.nodeName ?? '';
  if (current !== '') throw conflict(resource, name, `pod ${name} is already assigned to node ${JSON.stringify(current)}`);
  return { ...pod, spec: { ...pod.spec, nodeName } };
}

function withScheduled(pod: Pod, now: string): Pod {
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const condition: PodCondition = { type: 'PodScheduled', status: 'True', lastTransitionTime: now };
  return { ...pod, status: { ...pod.status, conditions: [...others, condition] } };
}
