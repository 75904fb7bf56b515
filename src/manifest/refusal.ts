/** What the API refused of a manifest: where it stands in the file, and what was most likely meant. */
import { apiVersionOf, findResourceByKind, findTypeMismatch, findUnknownFields, quotesHint, resources } from '../api/index.ts';
import type { StatusError, TypeMismatch, UnknownField } from '../api/index.ts';
import { isAlike } from '../observe/index.ts';
import type { ManifestObject, Position } from './parse.ts';

/** An answer of the API to a manifest, put at its place. */
export interface Refusal {
  readonly position: Position;
  /** The API's own words, with a sentence of ours where that helps. */
  readonly message: string;
}

/** Puts an error of the API at the field of the manifest that it is about: the first of them, when there are several. */
export function locateRefusal(object: ManifestObject, error: StatusError): Refusal {
  const { message, status } = error;
  const field = status.details?.causes?.[0]?.field;
  if (field !== undefined) return { position: object.locate(field), message };
  if (status.reason === 'NotFound' && status.details?.kind === 'namespaces') {
    const { name = '' } = status.details;
    const hint = `create it first: kind: Namespace, metadata: {name: ${name}}`;
    return { position: object.locate('metadata.namespace'), message: `${message}; ${hint}` };
  }
  const schema = status.code === 400 ? findResourceByKind(object.apiVersion, object.kind)?.schema : undefined;
  if (schema === undefined) return { position: object.position, message };
  const mismatch = findTypeMismatch(schema, object.value);
  if (mismatch !== undefined) return { position: object.locate(mismatch.path), message: asSpelt(message, mismatch, object) };
  const [unknown] = findUnknownFields(schema, object.value);
  if (unknown === undefined) return { position: object.position, message };
  return { position: object.locate(unknown.path), message: `${message}${suggestField(unknown)}` };
}

/** A manifest of a kind that nobody serves: at the word that is wrong, with the kind that was most likely meant. */
export function locateUnknownKind(object: ManifestObject): Refusal {
  const { apiVersion, kind } = object;
  const message = `no kind ${kind} in ${apiVersion}`;
  const elsewhere = resources.filter((each) => each.kind === kind).map(apiVersionOf);
  if (elsewhere.length > 0)
    return { position: object.locate('apiVersion'), message: `${message}: it is in ${elsewhere.join(' and ')}` };
  const alike = resources.filter((each) => isAlike(each.kind, kind)).map((each) => `${each.kind} (${apiVersionOf(each)})`);
  const hint = alike.length === 0 ? 'see kubectl api-resources' : `did you mean ${alike.slice(0, 3).join(' or ')}?`;
  return { position: object.locate('kind'), message: `${message}; ${hint}` };
}

/** The API was sent 1.1 where the file says 1.10: its hint is made to say what the file says. */
function asSpelt(message: string, { path, hint, lacksQuotes }: TypeMismatch, object: ManifestObject): string {
  const word = lacksQuotes ? object.spellingOf(path) : undefined;
  return word === undefined ? message : message.replace(hint, () => quotesHint(path, word));
}

function suggestField({ name, known }: UnknownField): string {
  const same = known.filter((each) => each.toLowerCase() === name.toLowerCase());
  const alike = same.length > 0 ? same : known.filter((each) => isAlike(each, name));
  return alike.length === 0 ? '' : `; did you mean ${alike.slice(0, 3).join(' or ')}?`;
}
