/** The package as its users get it: built, packed, installed into an empty folder, and run from there with no sources beside it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { needsLab } from '../wire/up-harness.ts';

const root = join(import.meta.dirname, '..', '..');
const scratch = mkdtempSync(join(tmpdir(), 'fairlead-package-'));
const prefix = join(scratch, 'prefix');
const installed = join(prefix, 'node_modules', 'fairlead');
// not `after`: that never runs when packing fails
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

// npm starts `node` from the PATH: this one, and nothing of this checkout
const path = [
  dirname(process.execPath),
  ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.startsWith(root)),
].join(delimiter);

interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

const tarball = pack();
const noRegistry = install();
const needsInstalled = noRegistry === undefined ? {} : { skip: noRegistry };

test('the tarball holds the compiled program with its types, the manual and the examples, and nothing else', () => {
  const names = new Set(
    run('tar', ['-tzf', tarball], scratch)
      .out.trim()
      .split('\n')
      .map((name) => name.replace(/^package\//, '')),
  );
  for (const wanted of [
    'package.json',
    'LICENSE',
    'CHANGELOG.md',
    'bin/fairlead.js',
    'dist/cli/main.js',
    'dist/explain/index.js',
    'dist/explain/index.d.ts',
    'dist/cluster/index.js',
    'dist/cluster/index.d.ts',
    'docs/differences.md',
    'examples/01-session-affinity.yaml',
    'examples/mistakes/08-no-selector.yaml',
    ...(existsSync(join(root, 'README.md')) ? ['README.md'] : []),
  ])
    assert.ok(names.has(wanted), `${wanted} is missing`);
  const strange = [...names].filter(
    (name) =>
      !/^(?:package\.json|LICENSE|(?:README|README\.ja|CHANGELOG)\.md|bin\/fairlead\.js|docs\/.+|examples\/.+\.(?:yaml|md)|dist\/.+\.(?:js|d\.ts))$/.test(
        name,
      ) || /\.test\.|-harness\.|node_modules/.test(name),
  );
  assert.deepEqual(strange, []);
});

test('every module that the sources start by name is there in its compiled form', () => {
  const files = globSync('dist/**/*.js', { cwd: unpacked() });
  const missing = files.flatMap((file) => {
    const text = readFileSync(join(unpacked(), file), 'utf8');
    const started = [...text.matchAll(/['"`](\.\/[\w-]*(?:worker|probe))['"`$]/g)].map(([, name]) => name ?? '');
    return started.filter((name) => !existsSync(join(unpacked(), dirname(file), `${name}.js`))).map((name) => `${file}: ${name}`);
  });
  assert.deepEqual(missing, []);
  for (const file of files)
    assert.ok(
      !/from '(?:node:test|fast-check)'/.test(readFileSync(join(unpacked(), file), 'utf8')),
      `${file} needs the test runner`,
    );
});

test('fairlead version prints the version of the package', needsInstalled, () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const ran = fairlead('version');
  assert.equal(ran.status, 0, ran.err);
  assert.match(ran.out, new RegExp(`^fairlead ${version} \\(Node ${process.versions.node}, `));
});

test('fairlead explain -f answers from the packed examples', needsInstalled, () => {
  const ran = fairlead(
    'explain',
    '-f',
    join(installed, 'examples', '01-session-affinity.yaml'),
    'my-service.session-affinity:80',
    '-o',
    'json',
  );
  assert.equal(ran.status, 0, ran.err);
  const answer = JSON.parse(ran.out) as { candidates: unknown[] };
  assert.equal(answer.candidates.length, 3);
});

test('version and explain -f load only what they need', needsInstalled, () => {
  const example = join(installed, 'examples', '01-session-affinity.yaml');
  const version = loaded('version');
  assert.deepEqual(version.packages, ['commander']);
  assert.deepEqual(
    version.rooms.filter((room) => !['cli', 'observe', 'net'].includes(room)),
    [],
  );
  const explain = loaded('explain', '-f', example, 'my-service.session-affinity:80');
  assert.deepEqual(explain.packages, ['commander', 'yaml']);
  for (const room of ['agent', 'apiserver', 'client', 'cluster', 'controllers', 'dns', 'kubelet', 'lab', 'linux'])
    assert.ok(!explain.rooms.includes(room), `explain -f loads ${room}/`);
});

test('fairlead up -- COMMAND runs the command beside a cluster', { ...needsLab, ...needsInstalled }, () => {
  const ran = fairlead(
    'up',
    '-f',
    join(installed, 'examples', '07-external-name.yaml'),
    '--',
    'sh',
    '-c',
    'test -s "$KUBECONFIG" && echo here',
  );
  assert.deepEqual({ ...ran, err: '' }, { status: 0, out: 'here\n', err: '' }, ran.err);
  const failed = fairlead('up', '--', 'sh', '-c', 'exit 7');
  assert.equal(failed.status, 7, failed.err);
});

test('the package is a library: questions about files, and a cluster for tests', needsInstalled, () => {
  const script = `
    import { explain, parsePlace, worldFromManifests } from 'fairlead';
    import { readManifests } from 'fairlead/manifest';
    import * as testing from 'fairlead/testing';
    const world = worldFromManifests(readManifests([process.argv[1]]));
    const answer = explain(world, { target: 'my-service:80', from: parsePlace('outside'), namespace: 'session-affinity' });
    console.log(answer.service, Object.keys(testing).length > 0);`;
  const example = join(installed, 'examples', '01-session-affinity.yaml');
  const ran = run(process.execPath, ['--input-type=module', '--eval', script, example], prefix);
  assert.deepEqual(ran, { status: 0, out: 'session-affinity/my-service true\n', err: '' });
});

test('TypeScript finds the types of the library', needsInstalled, () => {
  const folder = join(prefix, 'typed');
  mkdirSync(folder);
  // the compiler and Node's types as a user would have them
  symlinkSync(join(root, 'node_modules', '@types'), join(prefix, 'node_modules', '@types'));
  writeFileSync(
    join(folder, 'use.ts'),
    `import { explain, type World } from 'fairlead';
     import * as testing from 'fairlead/testing';
     export const ask = (world: World): string => explain(world, { target: 'a', from: { kind: 'outside' }, namespace: 'b' }).summary;
     // @ts-expect-error -- proves that the types are known, and not any
     export const wrong: number = explain;
     export { testing };
    `,
  );
  const options = {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    strict: true,
    noEmit: true,
    types: ['node'],
    skipLibCheck: false,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['use.ts'] }));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const ran = run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder], prefix);
  assert.deepEqual(ran, { status: 0, out: '', err: '' });
});

const old = oldNode();

test('a Node that is too old says so in one sentence', old === undefined ? { skip: 'no Node below 24 on the PATH' } : {}, () => {
  const ran = run(old ?? '', [join(unpacked(), 'bin', 'fairlead.js'), 'version'], scratch);
  assert.equal(ran.status, 1);
  assert.match(ran.err, /^fairlead needs Node 24 or newer, and this is \d+\.\d+\.\d+: [^\n]+\.\n$/);
  assert.equal(ran.out, '');
});

function pack(): string {
  const ran = run('npm', ['pack', '--pack-destination', scratch, '--json'], root);
  if (ran.status !== 0) throw new Error(`npm pack failed:\n${ran.out}${ran.err}`);
  const [name] = globSync('*.tgz', { cwd: scratch });
  if (name === undefined) throw new Error('npm pack made no tarball');
  return join(scratch, name);
}

/** Why nothing could be installed, if the reason lies outside of the package. */
function install(): string | undefined {
  mkdirSync(prefix);
  writeFileSync(join(prefix, 'package.json'), '{"private":true}');
  const ran = run(
    'npm',
    ['install', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1', tarball],
    prefix,
  );
  if (ran.status === 0) return undefined;
  const reason = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)\b/.exec(
    ran.err,
  )?.[0];
  if (reason === undefined) throw new Error(`npm install failed:\n${ran.out}${ran.err}`);
  return `npm reaches no registry (${reason}), and its cache lacks a dependency`;
}

/** The tarball's content, without its dependencies. */
function unpacked(): string {
  const folder = join(scratch, 'package');
  if (!existsSync(folder)) run('tar', ['-xzf', tarball], scratch);
  return folder;
}

function fairlead(...args: readonly string[]): Ran {
  return run(join(prefix, 'node_modules', '.bin', 'fairlead'), args, scratch);
}

/** The rooms and the dependencies that a command loads. */
function loaded(...args: readonly string[]): { readonly rooms: readonly string[]; readonly packages: readonly string[] } {
  const recorder = join(scratch, 'recorder.mjs');
  writeFileSync(
    recorder,
    `import { registerHooks } from 'node:module';
     registerHooks({ resolve(specifier, context, next) {
       const found = next(specifier, context);
       if (found.url.startsWith('file:')) console.error('loads ' + found.url);
       return found;
     } });`,
  );
  const { status, err } = run(process.execPath, ['--import', recorder, join(installed, 'bin', 'fairlead.js'), ...args], scratch);
  assert.equal(status, 0, err);
  const all = (pattern: RegExp): string[] => [...new Set([...err.matchAll(pattern)].map(([, name]) => name ?? ''))].sort();
  return {
    rooms: all(/^loads .*\/fairlead\/dist\/(\w+)\//gm),
    packages: all(/^loads .*\/node_modules\/(?!fairlead\/)([^/]+)\//gm),
  };
}

function run(program: string, args: readonly string[], cwd: string): Ran {
  const runtime = join(scratch, 'run');
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: path, XDG_RUNTIME_DIR: runtime, XDG_CACHE_HOME: join(scratch, 'cache') };
  for (const name of ['NODE_TEST_CONTEXT', 'NODE_OPTIONS', 'FAIRLEAD_PROGRAM', 'KUBECONFIG']) delete env[name];
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env, encoding: 'utf8', timeout: 180_000 });
  if (error !== undefined) throw error;
  return { status, out: stdout, err: stderr };
}

/** A Node on the PATH that fairlead does not run on. */
function oldNode(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const program = join(folder, 'node');
    if (!existsSync(program)) continue;
    const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    if (Number(/^v(\d+)/.exec(stdout)?.[1] ?? '99') < 24) return program;
  }
  return undefined;
}
