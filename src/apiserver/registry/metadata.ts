/** What the server itself writes into metadata, and what it keeps clients from writing there. */
import { formatTime } from '../../api/index.ts';
import type { ObjectMeta } from '../../api/index.ts';
import type { ApiObject } from '../store/index.ts';

/** Letters and digits of generated names: no vowels, no look-alikes (k8s apimachinery/pkg/util/rand). */
const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
const maxGeneratedNameLength = 63;
const generatedSuffixLength = 5;

/** Metadata of an object that is about to be created: the server's members set, what clients must not set removed. */
export function metadataForCreate(
  meta: ObjectMeta,
  given: {
    readonly namespace: string;
    readonly name: string;
    readonly now: Date;
    readonly uid: string;
    readonly hasGeneration: boolean;
  },
): ObjectMeta {
  const {
    selfLink: _selfLink,
    resourceVersion: _resourceVersion,
    generation: _generation,
    deletionTimestamp: _deletionTimestamp,
    deletionGracePeriodSeconds: _deletionGracePeriodSeconds,
    managedFields: _managedFields,
    namespace: _namespace,
    ...kept
  } = meta;
  return {
    ...kept,
    name: given.name,
    ...(given.namespace === '' ? {} : { namespace: given.namespace }),
    uid: given.uid,
    creationTimestamp: formatTime(given.now),
    ...(given.hasGeneration ? { generation: 1 } : {}),
  };
}

/** Metadata of an update: members that only the server writes are those of the stored object, whatever the client sent. */
export function metadataForUpdate(next: ObjectMeta, previous: ObjectMeta): ObjectMeta {
  const {
    selfLink: _selfLink,
    managedFields: _managedFields,
    generation: _generation,
    deletionTimestamp: _deletionTimestamp,
    deletionGracePeriodSeconds: _grace,
    ...kept
  } = next;
  return {
    ...kept,
    ...copied(previous, [
      'name',
      'namespace',
      'uid',
      'creationTimestamp',
      'generation',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
      'resourceVersion',
    ]),
    // A name prefix says how the name was made; clients that never saw it do not send it back.
    ...(next.generateName === undefined ? copied(previous, ['generateName']) : {}),
  };
}

/** `prefix` and five characters, within the length of a name. `random` gives values in [0, 1). */
export function generateName(prefix: string, random: () => number): string {
  const base = prefix.slice(0, maxGeneratedNameLength - generatedSuffixLength);
  let suffix = '';
  for (let index = 0; index < generatedSuffixLength; index += 1)
    suffix += nameAlphabet.charAt(Math.floor(random() * nameAlphabet.length));
  return base + suffix;
}

/** The object with these members of metadata changed; undefined removes one. */
export function withMetadata(object: ApiObject, changes: { readonly [K in keyof ObjectMeta]?: ObjectMeta[K] }): ApiObject {
  const entries = Object.entries({ ...object.metadata, ...changes }).filter(([, value]) => value !== undefined);
  return { ...object, metadata: Object.fromEntries(entries) };
}

function copied(meta: ObjectMeta, names: readonly (keyof ObjectMeta)[]): ObjectMeta {
  return Object.fromEntries(names.flatMap((name) => (meta[name] === undefined ? [] : [[name, meta[name]]])));
}
