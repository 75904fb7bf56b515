/** Corefiles that Kubernetes and its distributions ship, as they ship them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCorefile } from './corefile.ts';
import type { ImportedFile } from './corefile-lines.ts';

/** kubeadm since 1.31; kind has the same, from kubeadm. */
const kubeadm = `.:53 {
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
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`;

test("kubeadm's and kind's Corefile is understood whole", () => {
  assert.deepEqual(parseCorefile(kubeadm), [
    {
      zones: ['.'],
      port: 53,
      plugins: ['errors', 'health', 'ready', 'kubernetes', 'prometheus', 'forward', 'cache', 'loop', 'reload', 'loadbalance'],
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
        prefersHostnamePointers: false,
        fallthrough: ['in-addr.arpa', 'ip6.arpa'],
        startupTimeoutMs: 5_000,
      },
      prometheus: { address: '::', port: 9153 },
      forwards: [
        {
          zone: '.',
          upstreams: [],
          resolvConf: ['/etc/resolv.conf'],
          policy: 'random',
          except: [],
          maxFails: 2,
          probeEveryMs: 500,
          lineAgeMs: 10_000,
          failsFast: false,
          forceTcp: false,
          preferUdp: false,
          maxConcurrent: 1000,
        },
      ],
      hasAutopath: false,
      cache: {
        capacity: { success: 9_984, denial: 9_984 },
        maxPositiveSeconds: 30,
        maxNegativeSeconds: 30,
        minPositiveSeconds: 5,
        minNegativeSeconds: 5,
        failureSeconds: 5,
        staleSeconds: 0,
        staleAtOnce: false,
        keepsTtl: false,
        disabled: { success: ['cluster.local'], denial: ['cluster.local'] },
      },
      reload: { everyMs: 30_000, jitterMs: 15_000 },
    },
  ]);
});

const minikube = `.:53 {
    log
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
    hosts {
       192.168.49.1 host.minikube.internal
       fallthrough
    }
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`;

const k3s = `.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
    }
    hosts /etc/coredns/NodeHosts {
      ttl 60
      reload 15s
      fallthrough
    }
    prometheus :9153
    cache 30
    loop
    reload
    loadbalance
    import /etc/coredns/custom/*.override
    forward . /etc/resolv.conf
}
import /etc/coredns/custom/*.server
`;

/** kubernetes/kubernetes cluster/addons/dns/coredns, and GKE's and EKS's, which differ in nothing that matters here. */
const addon = kubeadm.replace(/cache 30 \{[^}]*\}/, 'cache 30').replaceAll('cluster.local', 'cluster.example');

/** NodeLocal DNSCache of kubernetes/dns. */
const nodeLocal = `cluster.local:53 {
    errors
    cache {
            success 9984 30
            denial 9984 5
    }
    reload
    loop
    bind 169.254.20.10 10.96.0.10
    forward . 10.96.0.11 {
            force_tcp
    }
    prometheus :9253
    health 169.254.20.10:8080
    }
`;

test("minikube's Corefile is understood: fixed names that fall through, a log of every query", () => {
  const [block] = parseCorefile(minikube);
  assert.deepEqual(block?.hosts, {
    entries: [{ address: '192.168.49.1', names: ['host.minikube.internal'] }],
    ttlSeconds: 3_600,
    reloadMs: 5_000,
    hasReverse: true,
    clusterDomain: 'cluster.local',
    fallthrough: ['.'],
  });
  assert.deepEqual(block?.log, { zones: ['.'], classes: ['success', 'denial', 'error'] });
});

test("k3s's Corefile is understood: the nodes' names from a file, and whatever stands in the folder of one's own", () => {
  const custom: Readonly<Record<string, readonly ImportedFile[]>> = {
    '/etc/coredns/custom/*.override': [{ file: '/etc/coredns/custom/log.override', text: 'log' }],
    '/etc/coredns/custom/*.server': [
      { file: '/etc/coredns/custom/corp.server', text: 'corp.example:53 {\n  errors\n  cache 30\n  forward . 192.0.2.53\n}' },
    ],
  };
  const read = (files: Readonly<Record<string, readonly ImportedFile[]>>) =>
    parseCorefile(k3s, { file: '/etc/coredns/Corefile', readImport: (pattern) => files[pattern] ?? [] });
  const [block, ...others] = read({});
  assert.equal(others.length, 0);
  assert.equal(block?.log, undefined);
  assert.deepEqual(block?.hosts, {
    entries: [],
    path: '/etc/coredns/NodeHosts',
    ttlSeconds: 60,
    reloadMs: 15_000,
    hasReverse: true,
    clusterDomain: 'cluster.local',
    fallthrough: ['.'],
  });
  const [main, corp] = read(custom);
  assert.deepEqual(main?.log, { zones: ['.'], classes: ['success', 'denial', 'error'] });
  assert.deepEqual(corp?.zones, ['corp.example']);
  assert.deepEqual(corp?.forwards[0]?.upstreams, [{ address: '192.0.2.53', port: 53 }]);
});

test("the add-on manifest's Corefile of another cluster domain is understood", () => {
  assert.equal(parseCorefile(addon)[0]?.kubernetes?.clusterDomain, 'cluster.example');
});

test('the Corefile of NodeLocal DNSCache is refused with the place of what it asks for beyond this', () => {
  assert.throws(() => parseCorefile(nodeLocal), /Corefile:9:5: plugin bind is not supported/);
});

test('a snippet is one text in many places', () => {
  const blocks = parseCorefile(`(common) {
    errors
    cache 30 {
      success 100
    }
}
cluster.local {
    kubernetes
    import common
}
corp.example {
    import common
    forward . 192.0.2.53
}`);
  assert.deepEqual(
    blocks.map(({ cache }) => cache?.capacity.success),
    [100, 100],
  );
});

test('one block may forward several zones to servers of their own', () => {
  const [block] = parseCorefile('. {\n forward corp.example 192.0.2.53\n forward . 192.0.2.54\n}');
  assert.deepEqual(
    block?.forwards.map(({ zone }) => zone),
    ['corp.example', '.'],
  );
});
