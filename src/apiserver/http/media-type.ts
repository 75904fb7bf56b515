/** Media types: what a request body is, and which form of the answer its Accept header asks for. */

/** `type/subtype` in lower case, and parameters. */
export interface MediaType {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** How an object answer is written. */
export interface AnswerForm {
  readonly mediaType: 'application/json' | 'application/yaml';
  /** A transformation that the client asked for, and that this server knows. */
  readonly as?: 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  /** Version of meta.k8s.io that the transformed answer carries. */
  readonly version?: 'v1' | 'v1beta1';
}

/** One media type with its parameters, or undefined when the text is not one. */
export function parseMediaType(text: string): MediaType | undefined {
  const [type = '', ...rest] = text.split(';');
  const name = type.trim().toLowerCase();
  if (!/^[^\s/]+\/[^\s/]+$/.test(name)) return undefined;
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const at = part.indexOf('=');
    if (at < 0) continue;
    parameters.set(
      part.slice(0, at).trim().toLowerCase(),
      part
        .slice(at + 1)
        .trim()
        .replaceAll('"', ''),
    );
  }
  return { type: name, parameters };
}

/** The alternatives of an Accept header, best first: by q, then in the order written. */
export function parseAccept(header: string | undefined): readonly MediaType[] {
  if (header === undefined || header.trim() === '') return [{ type: '*/*', parameters: new Map() }];
  const entries: { readonly media: MediaType; readonly quality: number }[] = [];
  for (const part of header.split(',')) {
    const media = parseMediaType(part.trim());
    if (media === undefined) continue;
    const quality = Number(media.parameters.get('q') ?? '1');
    if (quality > 0) entries.push({ media, quality });
  }
  return entries.sort((a, b) => b.quality - a.quality).map((entry) => entry.media);
}

/** The first alternative that this server can answer objects with; undefined means 406. */
export function negotiateObject(header: string | undefined): AnswerForm | undefined {
  for (const { type, parameters } of parseAccept(header)) {
    const mediaType = answerTypes.get(type);
    if (mediaType === undefined) continue;
    const as = parameters.get('as');
    if (as === undefined || as === '') return { mediaType };
    const version = parameters.get('v');
    if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table' || as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { mediaType, as, version };
  }
  return undefined;
}

/** Which discovery document is asked for; undefined means 406. */
export function negotiateDiscovery(header: string | undefined): 'v2' | 'v2beta1' | 'legacy' | undefined {
  for (const { type, parameters } of parseAccept(header)) {
    if (!answerTypes.has(type)) continue;
    const as = parameters.get('as');
    if (as === undefined) return 'legacy';
    const version = parameters.get('v');
    const isKnown = as === 'APIGroupDiscoveryList' && parameters.get('g') === 'apidiscovery.k8s.io';
    // A profile (1.36: nopeer) is a variant for servers with peers; without peers the plain document is the same.
    if (isKnown && (version === 'v2' || version === 'v2beta1') && !parameters.has('profile')) return version;
  }
  return undefined;
}

/** The media types that object answers may be asked in. */
export const answerMediaTypes = ['application/json', 'application/yaml'] as const;

const answerTypes: ReadonlyMap<string, AnswerForm['mediaType']> = new Map([
  ['application/json', 'application/json'],
  ['application/*', 'application/json'],
  ['*/*', 'application/json'],
  ['application/yaml', 'application/yaml'],
]);
