import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Logger } from '../observe/index.ts';
import { silentLogger } from '../observe/index.ts';
import type { ConfiguredDns } from './configured-server.ts';
import { createDnsMetrics } from './metrics/metrics.ts';
import { startReloadingDns } from './reloading-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'fairlead-reload-'));
after(() => rmSync(folder, { recursive: true }));

/** A Corefile, a server that only remembers what it was started with, and what was logged as an error. */
async function reloadingOf(text: string) {
  const path = join(folder, 'Corefile');
  writeFileSync(path, text);
  const problems: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (facts) => void problems.push('problem' in facts ? String(facts.problem) : ''),
  };
  const state = { isBroken: false, started: [] as string[], closed: 0 };
  const metrics = createDnsMetrics({ server: 'dns://:53', zone: 'cluster.local', nowSeconds: () => 0 });
  const dns = await startReloadingDns(
    {
      path,
      start: async (blocks) => {
        if (state.isBroken) throw new Error('the API did not tell all names');
        state.started.push(blocks.map(({ kubernetes }) => kubernetes?.clusterDomain ?? '').join());
        const close = async (): Promise<void> => void state.closed++;
        return { metrics, close } as Partial<ConfiguredDns> as ConfiguredDns;
      },
    },
    { logger },
  );
  return { dns, state, problems, metrics, write: (next: string): void => writeFileSync(path, next) };
}

const corefile = (domain: string): string => `.:53 {\n kubernetes ${domain}\n}\n`;

test('a file that has not changed starts nothing; one that has changed starts another server and ends the one before', async () => {
  const { dns, state, write, metrics } = await reloadingOf(corefile('a.local'));
  assert.equal(await dns.reload(), false);
  const hash = /coredns_reload_version_info\{hash="sha512",value="([0-9a-f]{128})"\} 1/.exec(metrics.render())?.[1];
  write(corefile('b.local'));
  assert.equal(await dns.reload(), true);
  assert.deepEqual(state, { isBroken: false, started: ['a.local', 'b.local'], closed: 1 });
  assert.ok(hash !== undefined && !metrics.render().includes(hash), 'another version');
});

test('a file that is wrong is said once, counted, and read again when it changes', async () => {
  const { dns, state, write, problems, metrics } = await reloadingOf(corefile('a.local'));
  write('.:53 {\n nonsense\n}\n');
  for (let count = 0; count < 3; count++) assert.equal(await dns.reload(), false);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? '', /Corefile:2:2: plugin nonsense is not supported/);
  assert.match(metrics.render(), /^coredns_reload_failed_total 1$/m);
  write(corefile('b.local'));
  assert.equal(await dns.reload(), true);
  assert.deepEqual(state.started, ['a.local', 'b.local']);
});

test('a file that is right and cannot be started yet, since the API is away, is tried again', async () => {
  const { dns, state, write, problems } = await reloadingOf(corefile('a.local'));
  state.isBroken = true;
  write(corefile('b.local'));
  assert.equal(await dns.reload(), false);
  assert.deepEqual([problems.length, state.closed], [1, 0]);
  state.isBroken = false;
  assert.equal(await dns.reload(), true);
  assert.deepEqual(state.started, ['a.local', 'b.local']);
});

test('a file that is imported counts as part of the file, also one that comes later', async () => {
  const custom = join(folder, 'custom');
  mkdirSync(custom);
  const { dns, state } = await reloadingOf(`.:53 {\n import custom/*.override\n}\n`);
  assert.equal(await dns.reload(), false);
  writeFileSync(join(custom, 'a.override'), 'kubernetes a.local\n');
  assert.equal(await dns.reload(), true);
  writeFileSync(join(custom, 'a.override'), 'kubernetes b.local\n');
  assert.equal(await dns.reload(), true);
  rmSync(join(custom, 'a.override'));
  assert.equal(await dns.reload(), true);
  assert.deepEqual(state.started, ['', 'a.local', 'b.local', '']);
});
