/**
 * A pod's volumes as directories on the kubelet's own tmpfs: emptyDir, configMap, secret, downwardAPI and projected. Nothing
 * reaches a disk of the host.
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import type { ConfigMap, Container, Secret, ServiceAccountTokenProjection, Volume } from '../api/index.ts';
import type { ReferenceSource } from './environment.ts';
import { decodeBase64, expand, readFieldPath, readPodResource } from './environment.ts';
import type { SandboxMount } from './sandbox.ts';

/** Relative path -> content and mode. */
type Files = Map<string, { readonly content: Uint8Array; readonly mode: number }>;
type FilesResult = { readonly ok: true; readonly files: Files } | { readonly ok: false; readonly problem: string };

export type VolumesResult = { readonly ok: true } | { readonly ok: false; readonly problem: string };

/**
 * Writes the pod's volumes below `podDirectory`/volumes, or rewrites those whose objects have changed (each file is replaced in
 * one step). Answers what is missing, in upstream's words; call again when ConfigMaps or Secrets change.
 */
export function writeVolumes(volumes: readonly Volume[], podDirectory: string, source: ReferenceSource): VolumesResult {
  for (const volume of volumes) {
    const directory = volumeDirectory(podDirectory, volume.name);
    if (volume.emptyDir !== undefined) {
      mkdirSync(directory, { recursive: true });
      chmodSync(directory, 0o777);
      continue;
    }
    const result = filesOf(volume, source);
    if (!result.ok) return result;
    mkdirSync(directory, { recursive: true });
    writeFiles(directory, result.files);
  }
  return { ok: true };
}

/** Whether the volumes could be written: what is missing, in upstream's words. Writes nothing, and asks for no token. */
export function checkVolumes(volumes: readonly Volume[], source: ReferenceSource): VolumesResult {
  for (const volume of volumes) {
    const result: VolumesResult =
      volume.emptyDir === undefined ? filesOf(volume, { ...source, getToken: () => '' }) : { ok: true };
    if (!result.ok) return result;
  }
  return { ok: true };
}

/** The directory of one volume. */
export function volumeDirectory(podDirectory: string, name: string): string {
  return join(podDirectory, 'volumes', name);
}

/** Removes a pod's directory with everything in it. */
export function removePodDirectory(podDirectory: string): void {
  rmSync(podDirectory, { recursive: true, force: true });
}

/** Where a container sees which volume. `problem` when a mount names a volume that the pod does not have. */
export function containerMounts(
  container: Pick<Container, 'volumeMounts'>,
  volumes: readonly Volume[],
  podDirectory: string,
  variables: ReadonlyMap<string, string>,
): { readonly ok: true; readonly mounts: readonly SandboxMount[] } | { readonly ok: false; readonly problem: string } {
  const mounts: SandboxMount[] = [];
  for (const { name, mountPath, readOnly, subPath, subPathExpr } of container.volumeMounts ?? []) {
    const volume = volumes.find((each) => each.name === name);
    if (volume === undefined) return { ok: false, problem: `volume "${name}" is not defined in the pod` };
    const below = subPathExpr === undefined || subPathExpr === '' ? (subPath ?? '') : expand(subPathExpr, variables);
    const source = placeIn(volumeDirectory(podDirectory, name), below, volume.emptyDir !== undefined);
    if (source === undefined) return { ok: false, problem: `subPath ${JSON.stringify(below)} leaves its volume` };
    mounts.push({
      source,
      target: join('/', mountPath),
      readOnly: readOnly === true || volume.emptyDir === undefined,
      isFile: below !== '' && lstatIfThere(source)?.isDirectory() === false,
    });
  }
  return { ok: true, mounts };
}

/**
 * A path below a volume, with the links in it followed: what programs of the pod have put there must lead nowhere else. Undefined
 * when it does. Directories that are not there yet are made where `mayMake` says so.
 */
function placeIn(volume: string, below: string, mayMake: boolean): string | undefined {
  if (below === '') return volume;
  const names = normalize(below).split('/');
  if (names.includes('..')) return undefined;
  const missing: string[] = [];
  const root = realpathSync(volume);
  for (let known = join(root, ...names); ; known = dirname(known)) {
    // A link that leads nowhere is there.
    if (lstatIfThere(known) === undefined) {
      missing.unshift(basename(known));
      continue;
    }
    const real = realpathSync(known);
    if (real !== root && !real.startsWith(`${root}/`)) return undefined;
    const place = join(volume, relative(root, real), ...missing);
    if (mayMake && missing.length > 0) mkdirSync(place, { recursive: true });
    return place;
  }
}

function filesOf(volume: Volume, source: ReferenceSource): FilesResult {
  if (volume.configMap !== undefined) return configMapFiles(volume.configMap, source, volume.configMap.defaultMode);
  if (volume.secret !== undefined) {
    const { secretName, items, optional, defaultMode } = volume.secret;
    return secretFiles({ name: secretName, items, optional }, source, defaultMode);
  }
  if (volume.downwardAPI !== undefined)
    return downwardFiles(volume.downwardAPI.items ?? [], source, volume.downwardAPI.defaultMode);
  if (volume.projected !== undefined) {
    const files: Files = new Map();
    for (const projection of volume.projected.sources ?? []) {
      const result = projectionFiles(projection, source, volume.projected.defaultMode);
      if (!result.ok) return result;
      for (const [path, file] of result.files) files.set(path, file);
    }
    return { ok: true, files };
  }
  const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'empty';
  return {
    ok: false,
    problem: `volume "${volume.name}": ${kind} volumes are not offered by the lab; use emptyDir, configMap, secret, downwardAPI or projected`,
  };
}

type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

function projectionFiles(projection: Projection, source: ReferenceSource, mode: number | undefined): FilesResult {
  if (projection.configMap !== undefined) return configMapFiles(projection.configMap, source, mode);
  if (projection.secret !== undefined) return secretFiles(projection.secret, source, mode);
  if (projection.downwardAPI !== undefined) return downwardFiles(projection.downwardAPI.items ?? [], source, mode);
  if (projection.serviceAccountToken !== undefined) return tokenFile(projection.serviceAccountToken, source, mode);
  return { ok: true, files: new Map() };
}

function tokenFile(projection: ServiceAccountTokenProjection, source: ReferenceSource, mode = 0o644): FilesResult {
  const token = source.getToken(projection);
  if (token === undefined) return { ok: false, problem: `no token for ${JSON.stringify(projection.path)} yet` };
  return { ok: true, files: new Map([[projection.path, { content: new TextEncoder().encode(token), mode }]]) };
}

interface KeySource {
  readonly name?: string | undefined;
  readonly items?: readonly { readonly key: string; readonly path: string; readonly mode?: number | undefined }[] | undefined;
  readonly optional?: boolean | undefined;
}

function configMapFiles(from: KeySource, source: ReferenceSource, mode: number | undefined): FilesResult {
  const object = source.getConfigMap(from.name ?? '');
  return keyFiles(from, object === undefined ? undefined : configMapContents(object), 'configmap', 'configmap', mode);
}

function secretFiles(from: KeySource, source: ReferenceSource, mode: number | undefined): FilesResult {
  const object = source.getSecret(from.name ?? '');
  return keyFiles(from, object === undefined ? undefined : secretContents(object), 'secret', 'secret', mode);
}

function keyFiles(
  from: KeySource,
  contents: ReadonlyMap<string, Uint8Array> | undefined,
  kind: string,
  title: string,
  mode = 0o644,
): FilesResult {
  const files: Files = new Map();
  if (contents === undefined) {
    return from.optional === true ? { ok: true, files } : { ok: false, problem: `${kind} "${from.name ?? ''}" not found` };
  }
  if (from.items === undefined || from.items.length === 0) {
    for (const [key, content] of contents) files.set(key, { content, mode });
    return { ok: true, files };
  }
  for (const item of from.items) {
    const content = contents.get(item.key);
    if (content !== undefined) files.set(item.path, { content, mode: item.mode ?? mode });
    else if (from.optional !== true) return { ok: false, problem: `${title} references non-existent config key: ${item.key}` };
  }
  return { ok: true, files };
}

type DownwardItems = NonNullable<NonNullable<Volume['downwardAPI']>['items']>;

function downwardFiles(items: DownwardItems, source: ReferenceSource, mode = 0o644): FilesResult {
  const files: Files = new Map();
  for (const { path, fieldRef, resourceFieldRef, mode: itemMode } of items) {
    let value: string | undefined;
    if (resourceFieldRef === undefined) value = readFieldPath(fieldRef?.fieldPath ?? '', source);
    else {
      const result = readPodResource(resourceFieldRef, source);
      if (!result.ok) return result;
      ({ value } = result);
    }
    if (value === undefined) return { ok: false, problem: `unsupported fieldPath: ${fieldRef?.fieldPath ?? ''}` };
    files.set(path, { content: new TextEncoder().encode(value), mode: itemMode ?? mode });
  }
  return { ok: true, files };
}

function configMapContents(object: ConfigMap): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(object.data ?? {})) contents.set(key, new TextEncoder().encode(value));
  for (const [key, value] of Object.entries(object.binaryData ?? {})) contents.set(key, decodeBase64(value));
  return contents;
}

function secretContents(object: Secret): Map<string, Uint8Array> {
  return new Map(Object.entries(object.data ?? {}).map(([key, value]) => [key, decodeBase64(value)]));
}

function writeFiles(directory: string, files: Files): void {
  const targets = new Map([...files].map(([path, file]) => [join(directory, normalize(`/${path}`)), file]));
  removeOthers(directory, [...targets.keys()]);
  for (const [target, { content, mode }] of targets) {
    if (sameContent(target, content)) continue;
    mkdirSync(dirname(target), { recursive: true });
    // No path of a volume's file begins so (two dots are reserved), whereas `key.new` may be a key.
    const fresh = join(directory, '..new');
    writeFileSync(fresh, content, { mode });
    chmodSync(fresh, mode);
    renameSync(fresh, target);
  }
}

/** Keys that an object has lost are gone from its volumes, too. */
function removeOthers(directory: string, kept: readonly string[]): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && kept.some((target) => target.startsWith(`${path}/`))) removeOthers(path, kept);
    else if (entry.isDirectory() || !kept.includes(path)) rmSync(path, { recursive: true });
  }
}

function sameContent(path: string, content: Uint8Array): boolean {
  return lstatIfThere(path)?.isFile() === true && readFileSync(path).equals(content);
}

/** Looks at the path itself, and opens nothing: a pipe would wait for a writer. */
function lstatIfThere(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
