import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCorefile } from './corefile.ts';
import { CorefileError } from './corefile-lines.ts';

test('stub domains, options of forward and cache, hosts, prefixes as zones and variables are read', () => {
  const [cluster, stub] = parseCorefile(
    `
    # the cluster
    cluster.local, 10.96.0.0/16 { # comment
        kubernetes
        hosts {
            192.0.2.1 shop.example www.shop.example
            ttl 60
            fallthrough
        }
        transfer {
            to 10.0.0.0/8 192.0.2.7 192.0.2.8:1053
        }
        bufsize 4096
    }
    dns://corp.example {
        forward . {$CORP} [2001:db8::53]:5353 {
            policy sequential
            failover SERVFAIL refused
            except a.corp.example
            max_fails 0
            expire 20s
            failfast_all_unhealthy_upstreams
        }
        cache {
            success 1000 60
            denial 500 10 3
            servfail 2s
            keepttl
            disable denial sub.corp.example
            serve_stale 1h30m immediate
            prefetch 5 1m 20%
        }
    }`,
    { variables: { CORP: '192.0.2.53' } },
  );
  assert.deepEqual(cluster?.plugins, ['kubernetes', 'hosts', 'transfer', 'bufsize']);
  assert.deepEqual(cluster?.zones, ['cluster.local', '96.10.in-addr.arpa']);
  assert.equal(cluster?.kubernetes?.clusterDomain, 'cluster.local');
  assert.deepEqual(cluster?.kubernetes?.reverseZones, ['96.10.in-addr.arpa']);
  assert.deepEqual(cluster?.hosts, {
    entries: [{ address: '192.0.2.1', names: ['shop.example', 'www.shop.example'] }],
    ttlSeconds: 60,
    reloadMs: 5_000,
    hasReverse: true,
    clusterDomain: 'cluster.local',
    fallthrough: ['cluster.local', '96.10.in-addr.arpa'],
  });
  assert.deepEqual(cluster?.transferTo, [
    { to: '10.0.0.0/8', port: 53 },
    { to: '192.0.2.7', port: 53 },
    { to: '192.0.2.8', port: 1053 },
  ]);
  assert.equal(cluster?.maxUdpBytes, 4096);
  assert.equal(stub?.port, 53);
  const [forward] = stub?.forwards ?? [];
  assert.deepEqual(forward?.upstreams, [
    { address: '192.0.2.53', port: 53 },
    { address: '2001:db8::53', port: 5353 },
  ]);
  assert.deepEqual(forward?.failover, [2, 5]);
  assert.equal(forward?.policy, 'sequential');
  assert.equal(stub?.cache?.staleSeconds, 5_400);
  assert.equal(stub?.cache?.staleAtOnce, true);
  assert.deepEqual(stub?.cache?.prefetch, { leastHits: 5, withinMs: 60_000, shareLeft: 0.2 });
  assert.equal(forward?.lineAgeMs, 20_000);
  assert.equal(forward?.failsFast, true);
  assert.equal(stub?.cache?.maxNegativeSeconds, 10);
  assert.equal(stub?.cache?.minNegativeSeconds, 3);
  assert.equal(stub?.cache?.failureSeconds, 2);
  assert.equal(stub?.cache?.keepsTtl, true);
  assert.deepEqual(stub?.cache?.capacity, { success: 1000, denial: 500 });
  assert.deepEqual(stub?.cache?.disabled, { success: [], denial: ['sub.corp.example'] });
});

const mistakes = [
  ['.:53 {\n  kubernets cluster.local\n}', '2:3: plugin kubernets is not supported'],
  ['.:53 {\n  rewrite name a b\n}', '2:3: plugin rewrite is not supported (supported: autopath, bufsize, cache'],
  ['.:53 {\n  errors\n', '1:6: this block is not closed'],
  ['.:53\n', '1:1: a server block needs { after its zones'],
  ['{\n}\n', '1:1: a server block needs a zone'],
  ['}\n', '1:1: } closes nothing'],
  ['. {\n  cache 30 { success 5\n  }\n}', '2:12: { must end its line'],
  ['. {\n  forward . "8.8.8.8\n}', '2:13: the quotation is not closed'],
  ['. {\n  forward .\n}', '2:11: forward needs a zone and at least one server'],
  ['. {\n  forward . dns.example\n}', '2:13: not a server: dns.example'],
  ['. {\n  forward . tls://9.9.9.9\n}', '2:13: only plain DNS servers'],
  ['. {\n  forward . 9.9.9.9 {\n    policy best\n  }\n}', '3:12: policy takes random, round_robin or sequential'],
  ['. {\n  forward . 9.9.9.9 {\n    tls_servername x\n  }\n}', '3:5: option tls_servername of forward is not supported'],
  ['. {\n  kubernetes cluster.local {\n    pods maybe\n  }\n}', '3:10: pods takes disabled, insecure or verified'],
  ['. {\n  kubernetes cluster.local {\n    ttl 9999\n  }\n}', '3:9: 9999 is not a number from 0 to 3600'],
  ['. {\n  kubernetes in-addr.arpa\n}', '2:3: kubernetes needs a zone that is no reverse zone'],
  ['. {\n  kubernetes a.local b.local\n}', '2:22: one cluster domain is supported'],
  ['. {\n  health :x\n}', '2:10: not an address to listen at: :x'],
  ['. {\n  health {\n    lameduck soon\n  }\n}', '3:14: soon is not a duration'],
  ['. {\n  cache 30\n  cache 60\n}', '3:3: cache may stand only once'],
  ['. {\n  transfer {\n    to example.com\n  }\n}', '3:8: transfer goes to addresses (ADDRESS or ADDRESS:PORT), prefixes or *'],
  ['. {\n  bufsize 100\n}', '2:11: 100 is not a number from 512 to 4096'],
  ['10.96.0.0/15 {\n}', '1:1: a reverse zone by prefix must end at a whole label'],
  ['.:53 a:54 {\n}', '1:6: all zones of one server block must have one port'],
  ['a:53 {\n}\nb:54 {\n}', '3:1: all server blocks must have one port, not 53 and 54'],
  ['a {\n}\na {\n}', '3:1: a has a server block above already'],
  ['a {\n kubernetes\n}\nb {\n kubernetes\n}', '5:2: one server block may have the plugin kubernetes'],
  ['a {\n kubernetes\n}\nb.a {\n}', "4:1: names below a are the cluster's"],
  ['a {\n kubernetes\n}\nb {\n bufsize\n}', '5:2: bufsize holds for every answer'],
  ['a {\n health :1\n}\nb {\n health :2\n}', '5:2: health stands for the whole server'],
  ['. {\n  log . "{remote}"\n}', '2:9: formats of log are not supported'],
  ['. {\n  log {\n    class warning\n  }\n}', '3:11: class takes all, success, denial or error'],
  ['. {\n  errors stdout\n}', '2:10: errors takes no value, not stdout'],
  ['. {\n  errors {\n    consolidate 5m ".*"\n  }\n}', '3:5: option consolidate of errors is not supported'],
  ['. {\n  loop x\n}', '2:8: loop takes no value, not x'],
  ['. {\n  loadbalance weighted f\n}', '2:15: policy weighted of loadbalance is not supported'],
  ['. {\n  loadbalance {\n    prefer 10.0.0.0/8\n  }\n}', '3:5: option prefer of loadbalance is not supported'],
  ['. {\n  ready :1 x\n}', '2:12: ready takes one value, not x'],
  ['. {\n  ready {\n    monitor continuously\n  }\n}', '3:5: option monitor of ready is not supported'],
  ['. {\n  reload 30s 20s\n}', '2:14: the jitter of reload is at most half its interval'],
  ['. {\n  reload 30s 5s 5s\n}', '2:17: reload takes at most 2 values, not 5s'],
  ['. {\n  autopath @kubernetes\n}', '2:3: autopath must know the pods'],
  ['a {\n kubernetes {\n  pods insecure\n }\n autopath @kubernetes\n}', '5:2: autopath must know the pods'],
  ['. {\n  autopath /etc/resolv.conf\n}', '2:12: autopath takes @kubernetes'],
  ['. {\n  transfer {\n    to *\n  }\n}', '2:3: transfer gives the cluster domain: it needs the plugin kubernetes'],
  ['a {\n kubernetes\n transfer b {\n  to *\n }\n}', '3:11: the zone can only be a here'],
  ['. {\n kubernetes a {\n  pods verified\n }\n autopath . @kubernetes\n}', '5:11: the zone can only be a here'],
  [
    'a {\n kubernetes\n hosts {\n  192.0.2.1 x.example Y.A\n }\n}',
    '4:23: names below a come from the cluster: hosts cannot set Y.A',
  ],
  ['. {\n  forward . 9.9.9.9 {\n    health_check 1s no_rec\n  }\n}', '3:21: health_check takes one value, not no_rec'],
  ['. {\n  forward . 9.9.9.9 {\n    force_tcp yes\n  }\n}', '3:15: force_tcp takes no value, not yes'],
  ['. {\n  forward . 9.9.9.9\n  forward . 1.1.1.1\n}', '3:11: forward for . may stand only once'],
  ['. {\n  forward . 9.9.9.9 {\n    next NXDOMAIN\n  }\n}', '3:5: option next of forward is not supported'],
  ['. {\n  cache {\n    disable all\n  }\n}', '3:13: disable takes success or denial'],
  ['. {\n  cache {\n    servfail 10m\n  }\n}', '3:14: a failure is kept for 5 minutes at most'],
  [
    '. {\n  cache 30 {\n    serve_stale_policy prefer_positive\n  }\n}',
    '3:5: option serve_stale_policy of cache is not supported',
  ],
  ['. {\n  hosts {\n    192.0.2.1\n  }\n}', '3:5: 192.0.2.1 has no name'],
  ['. {\n  hosts f example.org\n}', '2:11: zones of hosts are not supported'],
  ['a {\n kubernetes {\n  endpoint http://x\n }\n}', '3:3: option endpoint of kubernetes is not supported'],
  ['a {\n kubernetes {\n  pods verified x\n }\n}', '3:17: pods takes one value, not x'],
  ['a {\n kubernetes {\n  namespaces x\n  namespace_labels y\n }\n}', '4:3: namespaces and namespace_labels exclude each other'],
  ['tls://. {\n}', '1:1: tls:// is not supported'],
  ['. {\n  import\n}', '2:3: import needs the name of a snippet'],
  ['. {\n  import common\n}', '2:10: there is no snippet (common) above and no file common'],
  ['(a) {\n import a\n}\n. {\n import a\n}', '2:2: imports go round in a circle'],
  ['(a) {\n errors\n', '1:1: this snippet is not closed'],
  ['. {\n  constructor\n}', '2:3: plugin constructor is not supported'],
  ['. {\n  toString {\n }\n}', '2:3: plugin toString is not supported'],
  ['cluster.local {\n  kubernetes {\n  constructor\n }\n}', '3:3: option constructor of kubernetes is not supported'],
  ['. {\n  forward . 192.0.2.1 {\n  valueOf 1\n }\n}', '3:3: option valueOf of forward is not supported'],
  ['. {\n  health {\n  lameduck 1000h\n }\n}', '3:12: 1000h is longer than ten days'],
  ['. {\n  reload 600h\n}', '2:10: 600h is longer than ten days'],
  ['. {\n  reload 0s\n}', '2:10: the interval of reload is 100ms at least'],
  [`. {\n${'a {\n'.repeat(20_000)}`, '9:3: blocks stand 8 deep at most'],
  ['(a) {\n errors\n}\n. {\n import a b\n}', '5:11: arguments of import are not supported'],
] as const;

test('imports that double at each step are refused before they fill the memory', () => {
  const snippets = Array.from({ length: 19 }, (_, at) => `(s${at + 1}) {\n${`import s${at}\n`.repeat(20)}}\n`);
  assert.throws(
    () => parseCorefile(`(s0) {\n errors\n}\n${snippets.join('')}. {\n import s19\n}`),
    (error) => error instanceof CorefileError && error.message.endsWith('with its imports it has more than 100000 lines'),
  );
});

test('a mistake in an imported file has the place in that file', () => {
  const readImport = (pattern: string, from: string) =>
    pattern === 'custom/*.override' && from === '/etc/Corefile'
      ? [{ file: '/etc/custom/a.override', text: '\n  rewrite name a b' }]
      : undefined;
  assert.throws(
    () => parseCorefile('. {\n import custom/*.override\n}', { file: '/etc/Corefile', readImport }),
    (error) =>
      error instanceof CorefileError && error.message.startsWith('/etc/custom/a.override:2:3: plugin rewrite is not supported'),
  );
});

for (const [text, want] of mistakes) {
  test(`a Corefile is refused with "${want}"`, () => {
    assert.throws(
      () => parseCorefile(text),
      (error) => error instanceof CorefileError && error.message.startsWith(`Corefile:${want}`),
    );
  });
}

test('any text is read or refused with a place, never worse', () => {
  const words = fc.constantFrom(
    '.',
    '.:53',
    '{',
    '}',
    '\n',
    '\n',
    'kubernetes',
    'forward',
    'cache',
    'ttl',
    '30',
    '"',
    '#',
    'x',
    ',',
    'hosts',
    'to',
    'import',
    '(a)',
    'a',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words, { maxLength: 25 }).map((list) => list.join(' ')),
      ),
      (text) => {
        try {
          parseCorefile(text);
        } catch (error) {
          assert.ok(error instanceof CorefileError, String(error));
          assert.ok(error.facts.line >= 1 && error.facts.column >= 1);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
