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
