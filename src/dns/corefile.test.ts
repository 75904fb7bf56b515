import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCorefile } from './corefile.ts';
import { CorefileError } from './corefile-syntax.ts';

const manifest = `
.:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
        max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
`;

test("the Corefile of Kubernetes' own manifest is understood whole", () => {
  assert.deepEqual(parseCorefile(manifest), [
    {
      zones: ['.'],
      port: 53,
      logsQueries: false,
      health: { address: '::', port: 8080, lameDuckMs: 5_000 },
      ready: { address: '::', port: 8181 },
      kubernetes: {
        clusterDomain: 'cluster.local',
        reverseZones: ['in-addr.arpa', 'ip6.arpa'],
        podMode: 'insecure',
        ttlSeconds: 30,
        endpointPodNames: false,
        ignoreEmptyServices: false,
        zonalNames: false,
        fallthrough: ['in-addr.arpa', 'ip6.arpa'],
        startupTimeoutMs: 5_000,
      },
      prometheus: { address: '::', port: 9153 },
      forward: {
        zone: '.',
        upstreams: [],
        resolvConf: ['/etc/resolv.conf'],
        policy: 'random',
        except: [],
        maxFails: 2,
        probeEveryMs: 500,
        forceTcp: false,
        preferUdp: false,
        maxConcurrent: 1000,
      },
      cache: {
        capacity: 9_984,
        maxPositiveSeconds: 30,
        maxNegativeSeconds: 30,
        minSeconds: 5,
        staleSeconds: 0,
        staleAtOnce: false,
      },
      reloadEveryMs: 30_000,
    },
  ]);
});

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
            to 10.0.0.0/8 192.0.2.7
        }
        bufsize 4096
    }
    dns://corp.example:1053 {
        forward . {$CORP} [2001:db8::53]:5353 {
            policy sequential
            failover SERVFAIL refused
            except a.corp.example
            max_fails 0
        }
        cache {
            success 1000 60
            denial 1000 10
            serve_stale 1h30m immediate
            prefetch 5 1m 20%
        }
    }`,
    'x',
    { CORP: '192.0.2.53' },
  );
  assert.deepEqual(cluster?.zones, ['cluster.local', '96.10.in-addr.arpa']);
  assert.equal(cluster?.kubernetes?.clusterDomain, 'cluster.local');
  assert.deepEqual(cluster?.kubernetes?.reverseZones, ['96.10.in-addr.arpa']);
  assert.deepEqual(cluster?.hosts, {
    entries: [{ address: '192.0.2.1', names: ['shop.example', 'www.shop.example'] }],
    ttlSeconds: 60,
  });
  assert.deepEqual(cluster?.transferTo, ['10.0.0.0/8', '192.0.2.7']);
  assert.equal(cluster?.maxUdpBytes, 4096);
  assert.equal(stub?.port, 1053);
  assert.deepEqual(stub?.forward?.upstreams, [
    { address: '192.0.2.53', port: 53 },
    { address: '2001:db8::53', port: 5353 },
  ]);
  assert.deepEqual(stub?.forward?.failover, [2, 5]);
  assert.equal(stub?.forward?.policy, 'sequential');
  assert.equal(stub?.cache?.staleSeconds, 5_400);
  assert.equal(stub?.cache?.staleAtOnce, true);
  assert.deepEqual(stub?.cache?.prefetch, { leastHits: 5, withinMs: 60_000, shareLeft: 0.2 });
  assert.equal(stub?.cache?.maxNegativeSeconds, 10);
});

const mistakes = [
  ['.:53 {\n  kubernets cluster.local\n}', '2:3: plugin kubernets is not supported'],
  ['.:53 {\n  rewrite name a b\n}', '2:3: plugin rewrite is not supported (supported: bufsize, cache'],
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
  ['. {\n  transfer {\n    to example.com\n  }\n}', '3:8: transfer goes to addresses, prefixes or *'],
  ['. {\n  bufsize 100\n}', '2:11: 100 is not a number from 512 to 4096'],
  ['10.96.0.0/15 {\n}', '1:1: a reverse zone by prefix must end at a whole label'],
  ['.:53 a:54 {\n}', '1:6: all zones of one server block must have one port'],
] as const;

for (const [text, want] of mistakes) {
  test(`a Corefile is refused with "${want}"`, () => {
    assert.throws(
      () => parseCorefile(text, 'Corefile'),
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
