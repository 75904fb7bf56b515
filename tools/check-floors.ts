/**
 * The import floors: every folder under src/ is a room on a floor, imports point down, never up, and sideways only where
 * the table says so; other rooms are entered by their door (`index.ts`) alone, and there are no cycles between files.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Room {
  readonly floor: number;
  /** Rooms it may import besides floors 0 and 1. Absent: everything below. */
  readonly imports?: readonly string[];
  /** Runs in a browser: imports no `node:` module, and no file that does. */
  readonly pure?: boolean;
}

export const rooms: Readonly<Record<string, Room>> = {
  cli: { floor: 6 },
  web: { floor: 6, imports: ['explain', 'client', 'manifest'] },
  cluster: { floor: 5 },
  lab: { floor: 4, imports: ['client'] },
  explain: { floor: 4, imports: ['routing', 'names', 'slices', 'client', 'manifest'] },
  apiserver: { floor: 3, imports: ['manifest'] },
  controllers: { floor: 3, imports: ['client', 'slices'] },
  kubelet: { floor: 3, imports: ['client'] },
  agent: { floor: 3, imports: ['client', 'routing'] },
  dns: { floor: 3, imports: ['client', 'names'] },
  routing: { floor: 2, imports: [], pure: true },
  slices: { floor: 2, imports: [], pure: true },
  names: { floor: 2, imports: [], pure: true },
  manifest: { floor: 2, imports: [] },
  client: { floor: 2, imports: [] },
  api: { floor: 1, imports: ['net', 'observe'], pure: true },
  linux: { floor: 1, imports: ['net', 'observe'] },
  net: { floor: 0, imports: [], pure: true },
  observe: { floor: 0, imports: ['net'] },
};

/** One sentence for each import in `files` (path below src/ -> text) that breaks the plan of the house. */
export function findFaults(files: ReadonlyMap<string, string>): string[] {
  const faults: string[] = [];
  const graph = new Map<string, string[]>();
  /** What is loaded with a file: its imports of values, `node:` modules among them. */
  const loaded = new Map<string, string[]>();
  for (const [path, text] of files) {
    const isTest = path.endsWith('.test.ts');
    const targets: string[] = [];
    const from = roomOf(path);
    if (rooms[from] === undefined) faults.push(`${path}: ${from}/ is not a room; add it to the table in tools/check-floors.ts`);
    const values: string[] = [];
    for (const { specifier, isTypeOnly } of importsOf(text)) {
      if (!isTypeOnly) values.push(specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier);
      if (!specifier.startsWith('.') || (isTypeOnly && specifier.startsWith('./'))) continue;
      const target = normalize(join(dirname(path), specifier));
      if (target.startsWith('..')) {
        if (!isTest && target !== '../package.json') faults.push(`${path}: imports ${specifier}, outside src/`);
        continue;
      }
      targets.push(target);
      const fault = faultOf(path, from, target, isTest);
      if (fault !== undefined) faults.push(fault);
    }
    graph.set(path, targets);
    loaded.set(path, values);
  }
  return [...faults, ...findImpure(loaded), ...findCycles(graph)];
}

/** Files of pure rooms with which a `node:` module is loaded, however far away the file that imports it. */
function findImpure(loaded: ReadonlyMap<string, readonly string[]>): string[] {
  const faults: string[] = [];
  for (const path of loaded.keys()) {
    if (rooms[roomOf(path)]?.pure !== true || path.endsWith('.test.ts')) continue;
    const seen = new Set([path]);
    for (const file of seen) {
      for (const target of loaded.get(file) ?? []) {
        if (target.startsWith('node:')) faults.push(`${path}: a pure room loads ${target}${file === path ? '' : ` by ${file}`}`);
        seen.add(target);
      }
    }
  }
  return faults;
}

function faultOf(path: string, from: string, target: string, isTest: boolean): string | undefined {
  const to = roomOf(target);
  if (to === from) return undefined;
  const source = rooms[from];
  const destination = rooms[to];
  if (destination === undefined || source === undefined) return `${path}: imports ${target}, which is in no room`;
  if (!isTest && target !== `${to}/index.ts`) return `${path}: enters ${to}/ by ${target}; its door is ${to}/index.ts`;
  const isAllowed =
    (destination.floor <= 1 && destination.floor < source.floor) ||
    (source.imports === undefined ? destination.floor < source.floor : source.imports.includes(to));
  return isAllowed ? undefined : `${path}: ${from}/ (floor ${source.floor}) must not import ${to}/ (floor ${destination.floor})`;
}

function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const faults: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      faults.push(`cycle: ${[...trail.slice(at), path].join(' -> ')}`);
      return;
    }
    if (done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return faults;
}

interface Import {
  readonly specifier: string;
  /** Gone when the program runs: between files of one room, such imports may form cycles. */
  readonly isTypeOnly: boolean;
}

function importsOf(text: string): Import[] {
  const found: Import[] = [];
  for (const match of text.matchAll(
    /^\s*(?:import|export)\s[^;]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm,
  )) {
    const specifier = match[1] ?? match[2] ?? match[3];
    const isTypeOnly = /^\s*(?:import|export)\s+type\s/.test(match[0]);
    if (specifier !== undefined) found.push({ specifier, isTypeOnly });
  }
  return found;
}

function roomOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function main(): void {
  const root = join(import.meta.dirname, '..', 'src');
  const files = new Map<string, string>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.tsx?$/.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(root, path), readFileSync(path, 'utf8'));
  }
  const faults = findFaults(files);
  for (const fault of faults) console.error(fault);
  console.log(`import floors: ${files.size} files, ${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
