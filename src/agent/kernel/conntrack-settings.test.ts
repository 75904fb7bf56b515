import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conntrackSysctls } from './conntrack-settings.ts';
import type { ConntrackSettings } from '../proxy-config.ts';

const defaults = ['nf_conntrack_tcp_timeout_established=86400', 'nf_conntrack_tcp_timeout_close_wait=3600'];
const cases: readonly (readonly [name: string, settings: ConntrackSettings, cpus: number, want: readonly string[]])[] = [
  ['few CPUs get the minimum', {}, 2, ['nf_conntrack_max=131072', ...defaults]],
  ['many CPUs get more', {}, 8, ['nf_conntrack_max=262144', ...defaults]],
  ['and never too much', {}, 128, ['nf_conntrack_max=1048576', ...defaults]],
  ['0 for each CPU leaves the number alone', { maxPerCore: 0 }, 8, defaults],
  ['but for a minimum', { maxPerCore: 0, min: 5 }, 8, ['nf_conntrack_max=5', ...defaults]],
  [
    'the rest as it is given, 0 for nothing',
    {
      maxPerCore: 0,
      tcpEstablishedTimeoutSeconds: 0,
      tcpCloseWaitTimeoutSeconds: 9,
      udpTimeoutSeconds: 7,
      udpStreamTimeoutSeconds: 8,
      tcpBeLiberal: true,
    },
    1,
    [
      'nf_conntrack_tcp_timeout_close_wait=9',
      'nf_conntrack_udp_timeout=7',
      'nf_conntrack_udp_timeout_stream=8',
      'nf_conntrack_tcp_be_liberal=1',
    ],
  ],
];
for (const [name, settings, cpus, want] of cases) {
  test(name, () =>
    assert.deepEqual(
      conntrackSysctls(settings, cpus).map((one) => `${one.name}=${one.value}`),
      want,
    ),
  );
}
