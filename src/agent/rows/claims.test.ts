import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClaimReports } from '../claim-reports.ts';
import { Claims } from './claims.ts';
import type { WantedFrontend, WantedService } from './compile.ts';
import { packFrontend } from './row-bytes.ts';
import { TableState } from './table-state.ts';

function frontendOf(service: string, address = '192.0.2.1', more: Partial<WantedFrontend> = {}): WantedFrontend {
  return {
    service,
    createdAt: '2026-01-01T00:00:00Z',
    portName: '',
    kind: 'externalIP',
    protocol: 'TCP',
    key: packFrontend('IPv4', address, 'TCP', 80),
    inside: 'reject-no-endpoint',
    ...more,
  };
}

function wantedOf(frontends: readonly WantedFrontend[]): WantedService {
  return { frontends, hairpins: [] };
}

test('a frontend goes to the best claim that is left, in whatever order they came and go', () => {
  const [first, second, third] = ['a', 'b', 'c'].map((name) => frontendOf(`ns/${name}`));
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const claims = new Claims();
  for (const claim of [second, third, first]) claims.add(claim);
  assert.equal(claims.winner(first.key), first);
  assert.deepEqual(
    claims.lost().map(({ service, winner }) => `${service} to ${winner}`),
    ['ns/b to ns/a', 'ns/c to ns/a'],
  );
  claims.remove(first);
  claims.remove(first);
  assert.equal(claims.winner(first.key), second);
  claims.remove(second);
  assert.deepEqual(claims.lost(), []);
  assert.equal(claims.winner(first.key), third);
  claims.remove(third);
  assert.equal(claims.winner(first.key), undefined);
});

test('a Service that wants one frontend twice loses it at once', () => {
  const twice = [frontendOf('ns/a'), frontendOf('ns/a')];
  const claims = new Claims();
  for (const claim of [...twice, frontendOf('ns/b')]) claims.add(claim);
  assert.deepEqual(
    claims.lost().map(({ service }) => service),
    ['ns/b'],
  );
  claims.remove(frontendOf('ns/a'));
  assert.equal(claims.winner(frontendOf('ns/a').key)?.service, 'ns/b');
});

test('20,000 Services that claim one frontend are settled about as fast as others', () => {
  const elapsed = (addressOf: (at: number) => string): number => {
    const state = new TableState('IPv4');
    const startMs = performance.now();
    for (const _ of [1, 2]) {
      for (let at = 0; at < 20_000; at++) {
        // the newest first: each takes the frontend from the one before
        const createdAt = new Date(2e12 - at * 1000).toISOString();
        state.setService(`ns/s${at}`, wantedOf([frontendOf(`ns/s${at}`, addressOf(at), { createdAt })]));
      }
    }
    for (let at = 0; at < 20_000; at++) state.setService(`ns/s${at}`, undefined);
    return performance.now() - startMs;
  };
  const apart = elapsed((at) => `10.0.${at >> 8}.${at & 0xff}`);
  const together = elapsed(() => '192.0.2.1');
  assert.ok(together < 10 * apart + 500, `${together} ms, and ${apart} ms where each has its own`);
});

test('a Service of 20,000 frontends that changes costs no more than it has', () => {
  const state = new TableState('IPv4');
  const wanted = (): WantedService =>
    wantedOf(Array.from({ length: 20_000 }, (_, at) => frontendOf('ns/a', `10.0.${at >> 8}.${at & 0xff}`)));
  const startMs = performance.now();
  state.setService('ns/a', wanted());
  const firstMs = performance.now() - startMs;
  state.setService('ns/a', wanted());
  const secondMs = performance.now() - startMs - firstMs;
  assert.ok(secondMs < 5 * firstMs + 300, `${secondMs} ms after ${firstMs} ms`);
});

test('claims that have not changed are not looked through again', (context) => {
  const told: string[] = [];
  const logger = { warn: () => undefined } as unknown as ConstructorParameters<typeof ClaimReports>[1]['logger'];
  const reports = new ClaimReports((service, _, message) => told.push(`${service}: ${message}`), { logger });
  const state = new TableState('IPv4');
  const looked = context.mock.method(state, 'lostClaims');
  for (const name of ['a', 'b']) state.setService(`ns/${name}`, wantedOf([frontendOf(`ns/${name}`)]));
  reports.report([state]);
  state.setService('ns/c', wantedOf([frontendOf('ns/c', '192.0.2.7')]));
  reports.report([state]);
  assert.equal(looked.mock.callCount(), 1);
  assert.deepEqual(told, ['ns/b: 192.0.2.1:80/TCP is served for Service ns/a, which comes first']);
  state.setService('ns/a', undefined);
  reports.report([state]);
  state.setService('ns/a', wantedOf([frontendOf('ns/a')]));
  reports.report([state]);
  assert.equal(told.length, 2, 'what is settled and lost again is told again');
});
