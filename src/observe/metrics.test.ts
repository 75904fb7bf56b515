import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exponentialBuckets, linearBuckets, MetricsRegistry } from './metrics.ts';

test('counters, gauges and histograms are printed in the order of their making', () => {
  const registry = new MetricsRegistry();
  const syncs = registry.counter({ name: 'syncs_total', help: 'Syncs.', labels: ['family', 'kind'] });
  const idle = registry.counter({ name: 'idle_total', help: 'A \\ and\na line.' });
  const last = registry.gauge({ name: 'last_seconds', help: 'Last.', labels: ['who'] });
  const took = registry.histogram({ name: 'took_seconds', help: 'Took.', labels: ['family'], buckets: [0.1, 1] });
  syncs.add(1, 'IPv4', 'full');
  syncs.add(2.5, 'IPv4', 'full');
  syncs.add(undefined, 'IPv6', 'full');
  last.set(7, 'a "b"\\\nc');
  for (const value of [0.1, 0.5, 3]) took.observe(value, 'IPv4');
  assert.equal(syncs.value('IPv4', 'full'), 3.5);
  assert.equal(idle.value(), 0);
  assert.equal(
    registry.render(),
    [
      '# HELP syncs_total Syncs.',
      '# TYPE syncs_total counter',
      'syncs_total{family="IPv4",kind="full"} 3.5',
      'syncs_total{family="IPv6",kind="full"} 1',
      '# HELP idle_total A \\\\ and\\na line.',
      '# TYPE idle_total counter',
      'idle_total 0',
      '# HELP last_seconds Last.',
      '# TYPE last_seconds gauge',
      'last_seconds{who="a \\"b\\"\\\\\\nc"} 7',
      '# HELP took_seconds Took.',
      '# TYPE took_seconds histogram',
      'took_seconds_bucket{family="IPv4",le="0.1"} 1',
      'took_seconds_bucket{family="IPv4",le="1"} 2',
      'took_seconds_bucket{family="IPv4",le="+Inf"} 3',
      'took_seconds_sum{family="IPv4"} 3.6',
      'took_seconds_count{family="IPv4"} 3',
      '',
    ].join('\n'),
  );
});

test('many series each keep their own value', () => {
  const gauge = new MetricsRegistry().gauge({ name: 'value', help: 'V.', labels: ['n'] });
  for (let n = 0; n < 1000; n++) gauge.set(n, String(n));
  for (let n = 0; n < 1000; n++) assert.equal(gauge.value(String(n)), n, `series ${n}`);
});

test('collectors run before each rendering, and a cleared family starts anew', () => {
  const registry = new MetricsRegistry();
  const found = registry.collectedCounter({ name: 'found_total', help: 'F.', labels: ['name'] });
  let round = 0;
  registry.onCollect(() => {
    found.clear();
    found.set(++round, `r${round}`);
  });
  registry.render();
  assert.deepEqual(registry.render().split('\n').slice(2), ['found_total{name="r2"} 2', '']);
});

test('mistakes of the programmer are told', () => {
  const registry = new MetricsRegistry();
  registry.gauge({ name: 'a', help: '', labels: ['x'] });
  assert.throws(() => registry.gauge({ name: 'a', help: '' }), /two metrics of one name: a/);
  assert.throws(() => registry.gauge({ name: 'a-b', help: '' }), TypeError);
  assert.throws(() => registry.gauge({ name: 'b', help: '', labels: ['x-y'] }), TypeError);
  assert.throws(() => registry.counter({ name: 'c', help: '' }), /_total/);
  assert.throws(() => registry.counter({ name: 'c_total', help: '', labels: ['x'] }).add(), /labels \[x\], not 0/);
});

test('bucket series', () => {
  assert.deepEqual(exponentialBuckets(0.001, 2, 4), [0.001, 0.002, 0.004, 0.008]);
  assert.deepEqual(linearBuckets(1, 2, 3), [1, 3, 5]);
});
