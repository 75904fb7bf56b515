/** PATCH bodies: which kind of patch, and the next object that it makes of the present one. */
import type { Schema } from '../../api/index.ts';
import {
  assertTypes,
  badRequest,
  checkFields,
  jsonMergePatch,
  jsonPatch,
  parseJsonStrict,
  statusError,
  strategicMergePatch,
  strictDecodingText,
  unsupportedMediaType,
} from '../../api/index.ts';
import type { DecodedBody } from '../http/body.ts';
import { mediaTypeOf, parseYaml, textOf } from '../http/body.ts';
import type { ApiObject } from '../store/index.ts';
import { assertDepth } from './decode.ts';
import type { FieldValidation } from './decode.ts';

/** The accepted media types of PATCH. Server-side apply is not among them: merging blindly would corrupt field ownership. */
export const patchMediaTypes = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
] as const;

export interface Patch {
  readonly mediaType: (typeof patchMediaTypes)[number];
  readonly body: DecodedBody;
}

/** What the patched object must be. */
export interface PatchedKind {
  readonly kind: string;
  readonly version: string;
  readonly schema: Schema;
}

/** Reads a patch. Throws 415 for other media types and 400 for malformed text. */
export async function parsePatch(bytes: Uint8Array, contentType: string | undefined): Promise<Patch> {
  const type = mediaTypeOf(contentType);
  const mediaType = patchMediaTypes.find((known) => known === type);
  if (type.startsWith('application/apply-patch+')) throw noServerSideApply();
  if (mediaType === undefined) throw unsupportedMediaType(patchMediaTypes);
  const text = textOf(bytes);
  // kubectl sends JSON; other clients send YAML under the same media types, as upstream takes it.
  const body = /^\s*[{[]/.test(text) ? parseJsonStrict(text) : await parseYaml(text);
  if (body.value === undefined || body.value === null) throw badRequest('the body of the request is empty: a patch is needed');
  return { mediaType, body };
}

/** The whole object after the patch. Throws 400, 413 and 422. */
export function applyPatch(
  { kind, version, schema }: PatchedKind,
  current: ApiObject,
  patch: Patch,
  validation: FieldValidation,
  warn: (text: string) => void,
): ApiObject {
  const patched = patchedValue(schema, current, patch);
  if (typeof patched !== 'object' || patched === null || Array.isArray(patched)) {
    throw badRequest(`the patch leaves no ${kind}`);
  }
  assertDepth(patched);
  assertTypes(schema, patched, { kind, version });
  if (validation !== 'Ignore') {
    const faults = [...patch.body.duplicates, ...checkFields(schema, patched)];
    if (faults.length > 0 && validation === 'Strict') throw badRequest(strictDecodingText(faults));
    for (const fault of faults) warn(fault);
  }
  return patched as ApiObject;
}

/** 415 as for any other media type, but whoever reads it asked for something that has a name. */
function noServerSideApply(): Error {
  const text = `Fairlead has no server-side apply yet: leave out --server-side, or send ${patchMediaTypes.join(', ')}`;
  return statusError(415, 'UnsupportedMediaType', text);
}

function patchedValue(schema: Schema, current: ApiObject, { mediaType, body }: Patch): unknown {
  switch (mediaType) {
    case 'application/json-patch+json':
      return jsonPatch(current, body.value);
    case 'application/merge-patch+json':
      return jsonMergePatch(current, body.value);
    case 'application/strategic-merge-patch+json':
      return strategicMergePatch(schema, current, body.value);
  }
}
