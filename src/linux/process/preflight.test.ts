import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { preflight, type Machine, type ProbeResult } from './preflight.ts';

const fine: ProbeResult = { ok: true, isMissing: false, stdout: '{}', stderr: '' };
const refused: ProbeResult = {
  ok: false,
  isMissing: false,
  stdout: '',
  stderr: 'unshare: unshare failed: Operation not permitted',
};
const missing: ProbeResult = { ok: false, isMissing: true, stdout: '', stderr: '' };

interface Given {
  readonly platform?: string;
  readonly isRoot?: boolean;
  readonly kernelRelease?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly run?: (commandLine: string) => ProbeResult | undefined;
}

function machine(given: Given): Machine {
  return {
    platform: given.platform ?? 'linux',
    isRoot: given.isRoot ?? false,
    userName: 'ada',
    kernelRelease: given.kernelRelease ?? '6.18.1-generic',
    readFile: (path) => ({ '/etc/subuid': 'ada:100000:65536', ...given.files })[path],
    run: (program, parameters) => Promise.resolve(given.run?.([program, ...parameters].join(' ')) ?? fine),
  };
}

const noUserNamespaces = (line: string): ProbeResult | undefined => (line.startsWith('unshare --user') ? refused : undefined);

const exhausted = (line: string): ProbeResult | undefined =>
  line.includes('--net') ? { ...refused, stderr: 'unshare: unshare failed: No space left on device' } : undefined;

const cases: readonly {
  readonly name: string;
  readonly given: Given;
  readonly want: readonly (readonly [string, RegExp, RegExp])[];
}[] = [
  { name: 'a good machine has no problem', given: {}, want: [] },
  {
    name: 'root has none either, without newuidmap',
    given: { isRoot: true, run: (line) => (line.startsWith('newuidmap') ? missing : undefined) },
    want: [],
  },
  { name: 'another system', given: { platform: 'darwin' }, want: [['linux', /darwin/, /virtual machine/]] },
  { name: 'an old kernel', given: { kernelRelease: '5.4.0-1' }, want: [['kernel', /5\.4\.0-1 is too old/, /5\.12/]] },
  {
    name: 'no unshare',
    given: { run: (line) => (line.startsWith('unshare') ? missing : undefined) },
    want: [['unshare', /unshare is missing/, /util-linux/]],
  },
  {
    name: 'no newuidmap',
    given: { run: (line) => (line.startsWith('newuidmap') ? missing : undefined) },
    want: [['newuidmap', /one user id/, /uidmap/]],
  },
  {
    name: 'no subordinate ids',
    given: { files: { '/etc/subuid': 'bob:1:2' } },
    want: [['newuidmap', /ada has no range/, /usermod .* ada/]],
  },
  {
    name: 'user namespaces set to none',
    given: { run: noUserNamespaces, files: { '/proc/sys/user/max_user_namespaces': '0' } },
    want: [['user namespaces', /max_user_namespaces is 0/, /sysctl -w user\.max_user_namespaces/]],
  },
  {
    name: 'user namespaces for root only',
    given: { run: noUserNamespaces, files: { '/proc/sys/kernel/unprivileged_userns_clone': '0' } },
    want: [['user namespaces', /only root/, /unprivileged_userns_clone=1/]],
  },
  {
    name: 'AppArmor in the way',
    given: { run: noUserNamespaces, files: { '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1' } },
    want: [['user namespaces', /AppArmor/, /apparmor_restrict_unprivileged_userns=0/]],
  },
  {
    name: 'refused for reasons unknown',
    given: { run: noUserNamespaces },
    want: [['user namespaces', /Operation not permitted/, /container/]],
  },
  {
    name: 'a user namespace that cannot mount proc',
    given: { run: (line) => (line.includes('--mount-proc') ? refused : undefined) },
    want: [['namespaces', /inside it do not/, /unmask/]],
  },
  {
    name: 'root without capabilities',
    given: { isRoot: true, run: (line) => (line.includes('--mount-proc') ? refused : undefined) },
    want: [['namespaces', /Root may not/, /privileged/]],
  },
  {
    name: 'no network namespaces allowed',
    given: { run: exhausted, files: { '/proc/sys/user/max_net_namespaces': '0' } },
    want: [['namespaces', /user\.max_net_namespaces is 0/, /sysctl -w user\.max_net_namespaces=15000/]],
  },
  {
    name: 'no user namespaces allowed, in the words of the kernel',
    given: {
      run: (line) => (line.startsWith('unshare') ? exhausted('--net') : undefined),
      files: { '/proc/sys/user/max_user_namespaces': '0' },
    },
    want: [['user namespaces', /max_user_namespaces is 0/, /sysctl -w user\.max_user_namespaces/]],
  },
  {
    name: 'as many namespaces as there may be',
    given: { isRoot: true, run: exhausted },
    want: [['namespaces', /as many namespaces/, /user\.max_mnt_namespaces=15000/]],
  },
  {
    name: 'a kernel without parts of nftables',
    given: {
      run: (line) => (line.includes('probe') ? { ...fine, stdout: '{"nft_masq":"ENOENT","nft_fib":"ENOENT"}\n' } : undefined),
    },
    want: [
      ['nft_masq', /cannot do nft_masq: ENOENT/, /modprobe nft_masq/],
      ['nft_fib', /cannot do nft_fib/, /modprobe nft_fib/],
    ],
  },
];

describe('preflight', () => {
  for (const { name, given, want } of cases) {
    test(name, async () => {
      const failed = (await preflight(machine(given))).filter((check) => !check.ok);
      assert.deepEqual(
        failed.map((check) => check.check),
        want.map(([check]) => check),
      );
      for (const [index, [, problem, fix]] of want.entries()) {
        assert.match(failed[index]?.problem ?? '', problem);
        assert.match(failed[index]?.fix ?? '', fix);
      }
    });
  }

  test('only newuidmap is optional', async () => {
    const checks = await preflight(machine({}));
    assert.deepEqual(
      checks.filter((check) => check.isOptional).map((check) => check.check),
      ['newuidmap'],
    );
  });
});
