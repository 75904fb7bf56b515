/** A seeded slice of `npm run soak dns`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { soakDns } from '../../bench/dns-soak.ts';

for (const udpWorkers of process.platform === 'linux' ? [1, 0] : [0]) {
  const how = udpWorkers === 0 ? 'over dgram' : 'in a thread';
  test(`${how}, with 200 updates a second under full load, no query is lost and no answer is mixed`, async () => {
    let state = 1;
    // Park and Miller's: the same run each time, but for the clock
    const random = (): number => (state = (state * 48_271) % 0x7fff_ffff) / 0x7fff_ffff;
    const result = await soakDns({ seconds: 5, updatesPerSecond: 200, services: 200, udpWorkers, random });
    assert.ok(result.queries > 1_000 && result.updates > 500, JSON.stringify(result));
    assert.deepEqual({ lost: result.lost, mixed: result.mixed, wentBack: result.wentBack }, { lost: 0, mixed: 0, wentBack: 0 });
  });
}
