import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { askLab, serveControl, untilLabEnds } from './control.ts';

test('a client that goes at any moment does not end the lab, and others are answered', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-control-'));
  const path = join(folder, 'control');
  const server = await serveControl(path, async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    // more than a socket takes at once, so that writing meets a client that has gone
    return 'x'.repeat(1_000_000);
  });
  try {
    const request = '{"op":"affinity","filter":{}}';
    for (const sent of ['', '{', request, '{"op":"wait"}', 'no JSON']) {
      for (const afterMs of [undefined, 0, 3, 10]) {
        const socket = connect(path);
        socket.on('error', () => undefined);
        if (sent !== '') socket.end(sent);
        if (afterMs !== undefined) await new Promise((resolve) => setTimeout(resolve, afterMs));
        socket.destroy();
      }
    }
    for (let count = 0; count < 10; count++) untilLabEnds(path).forget();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const answer = await askLab(path, { op: 'affinity', filter: {} });
    assert.equal(answer.length, 1_000_000);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});

test('nothing is kept of one who has stopped waiting for the end of the lab', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-control-'));
  const path = join(folder, 'control');
  const server = await serveControl(path, async () => null);
  const count = (): Promise<number> =>
    new Promise((resolve, reject) =>
      server.getConnections((error, connections) => (error === null ? resolve(connections) : reject(error))),
    );
  const reaches = async (wanted: number): Promise<void> => {
    for (const deadline = Date.now() + 5000; (await count()) !== wanted;) {
      assert.ok(Date.now() < deadline, `${await count()} connections, not ${wanted}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  try {
    const waiting = Array.from({ length: 5 }, () => untilLabEnds(path));
    await reaches(5);
    // each has been read and understood before the next is answered
    await askLab(path, { op: 'node', node: 'n', isUp: true });
    for (const wait of waiting) wait.forget();
    await reaches(0);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
