/** Finding the client in the world. */
import type { Pod } from '../api/index.ts';
import { formatPlace, QuestionError } from './question.ts';
import type { Place } from './question.ts';
import { addressesOfPod, troubleOf } from './pod-state.ts';
import type { World } from './world.ts';

/** A client: where it stands and what it is called. */
export interface ClientPlace {
  readonly place: Place;
  readonly text: string;
  /** The node whose kernel sees its packets first; undefined outside. */
  readonly nodeName?: string;
  /** The namespace that short names are completed with. */
  readonly namespace: string;
  readonly pod?: Pod;
  /** Its addresses, where they are known. */
  readonly addresses: readonly string[];
  /** A pod in its node's network namespace counts as the node. */
  readonly isHostNetwork: boolean;
}

/** The client at a place. Throws `QuestionError` when there is no such pod or node. */
export function locateClient(world: World, place: Place, namespace: string): ClientPlace {
  const text = formatPlace(place);
  if (place.kind === 'outside')
    return { place, text, namespace, addresses: place.address === undefined ? [] : [place.address], isHostNetwork: false };
  if (place.kind === 'node') {
    const node = world.nodes.find((candidate) => candidate.metadata?.name === place.name);
    if (node === undefined)
      throw unknown(
        `node ${place.name}`,
        text,
        world.nodes.map((candidate) => candidate.metadata?.name ?? ''),
      );
    const addresses = (node.status?.addresses ?? []).filter((entry) => entry.type === 'InternalIP').map((entry) => entry.address);
    return { place, text, nodeName: place.name, namespace, addresses, isHostNetwork: true };
  }
  const wanted = place.namespace ?? namespace;
  const pod = world.pods.find(
    (candidate) => candidate.metadata?.name === place.name && (candidate.metadata.namespace ?? 'default') === wanted,
  );
  if (pod === undefined) {
    const names = world.pods.map(
      (candidate) => `${candidate.metadata?.namespace ?? 'default'}/${candidate.metadata?.name ?? ''}`,
    );
    throw unknown(`pod ${place.name} in namespace ${wanted}`, text, names);
  }
  const addresses = addressesOfPod(pod);
  const { nodeName } = pod.spec ?? {};
  if (nodeName === undefined || nodeName === '')
    throw new QuestionError(`pod ${wanted}/${place.name} does not run: ${troubleOf(pod) ?? 'it has no node yet'}`, {
      code: 'unknown-place',
      text,
    });
  return {
    place,
    text: `pod/${wanted}/${place.name}`,
    nodeName,
    namespace: wanted,
    pod,
    addresses,
    isHostNetwork: pod.spec?.hostNetwork === true,
  };
}

function unknown(what: string, text: string, names: readonly string[]): QuestionError {
  const some = names.slice(0, 5).join(', ');
  const hint =
    names.length === 0
      ? 'there is none at all'
      : `there ${names.length === 1 ? 'is' : 'are'} ${some}${names.length > 5 ? ', …' : ''}`;
  return new QuestionError(`there is no ${what}: ${hint}`, { code: 'unknown-place', text });
}
