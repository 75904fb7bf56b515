/** A disk that is full: said in a sentence, nothing half done, and well again when there is room. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { configMaps, StatusError } from '../../src/api/index.ts';
import { startApiServer } from '../../src/apiserver/index.ts';
import type { ApiServer } from '../../src/apiserver/index.ts';
import { createClient } from '../../src/client/index.ts';
import type { ClosableKubeClient } from '../../src/client/index.ts';
import { openNetlink, RouteSocket } from '../../src/linux/index.ts';
import { createLogger } from '../../src/observe/index.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-full-'));
  after(() => {
    for (const name of readdirSync(folder)) execFileSync('umount', ['--lazy', join(folder, name)]);
    rmSync(folder, { recursive: true, force: true });
  });
  const mountSmall = (name: string, size: string): string => {
    const path = join(folder, name);
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', path]);
    return path;
  };

  test('the API says which file is full, changes nothing, and goes on when there is room', async () => {
    const own = new RouteSocket(openNetlink('route'));
    own.setUp('lo');
    own.close();
    const logger = createLogger('silent');
    const dataDir = mountSmall('data', '8m');
    const filler = join(dataDir, 'filler');
    writeFileSync(filler, Buffer.alloc(7_400_000));
    const open = async (): Promise<[ApiServer, ClosableKubeClient]> => {
      const server = await startApiServer({ port: 0, dataDir }, { logger });
      return [server, createClient({ server: server.url, caData: server.caPem, token: server.token }, { logger })];
    };
    let [server, client] = await open();
    const create = (name: string, bytes: number): Promise<unknown> =>
      client.create(
        configMaps,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { text: 'x'.repeat(bytes) } },
        { namespace: 'default' },
      );
    const names = async (): Promise<string[]> =>
      (await client.list(configMaps, { namespace: 'default' })).items
        .map(({ metadata }) => metadata?.name ?? '')
        .filter((name) => name !== 'kube-root-ca.crt');
    await create('kept', 10);
    await assert.rejects(
      create('large', 900_000),
      (error) =>
        error instanceof StatusError &&
        error.httpStatus === 500 &&
        error.message === `Internal error occurred: ${dataDir}/objects.db takes no change: database or disk is full`,
    );
    assert.deepEqual(await names(), ['kept']);
    rmSync(filler);
    await create('later', 900_000);
    client.close();
    await server.close();
    [server, client] = await open();
    assert.deepEqual(await names(), ['kept', 'later']);
    client.close();
    await server.close();
  });

  test('a lab without room for its state says so in a sentence, and leaves nothing', () => {
    const runtime = mountSmall('run', '16k');
    writeFileSync(join(runtime, 'filler'), Buffer.alloc(16_384));
    const program = join(import.meta.dirname, '..', '..', 'fairlead');
    const { status, stderr } = spawnSync(program, ['up', '--', 'true'], {
      env: { ...process.env, XDG_RUNTIME_DIR: runtime },
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(stderr, /^fairlead: ENOSPC: no space left on device, .*; free some space, or set XDG_RUNTIME_DIR to .*\n$/);
    assert.deepEqual(readdirSync(runtime), ['filler']);
  });
}
