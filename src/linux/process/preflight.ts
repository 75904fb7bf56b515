/** What this machine lacks for a lab, each with what to do about it. Starts short-lived probe processes; changes nothing. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release, userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../observe/index.ts';
import { buildUnshareCommand } from './unshare.ts';

/** One thing that was looked at. */
export interface PreflightCheck {
  readonly check: string;
  readonly ok: boolean;
  /** Whether the lab can do without. */
  readonly isOptional: boolean;
  /** What is wrong, a sentence. */
  readonly problem?: string;
  /** What to do, a sentence or a command. */
  readonly fix?: string;
}

/** What the checks look at, so that tests can show them other machines. */
export interface Machine {
  readonly platform: string;
  readonly isRoot: boolean;
  readonly userName: string;
  readonly kernelRelease: string;
  /** Text of a file, undefined when it cannot be read. */
  readFile(path: string): string | undefined;
  /** Runs a program to its end. */
  run(program: string, parameters: readonly string[]): Promise<ProbeResult>;
}

/** How a probe ended: `isMissing` when there is no such program. */
export interface ProbeResult {
  readonly ok: boolean;
  readonly isMissing: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** mount_setattr, with which a pod's file system is made read-only. */
const MINIMUM_KERNEL = [5, 12] as const;
const PROBE_TIMEOUT_MS = 20_000;

/** All checks, in the order in which a missing thing explains the later ones. */
export async function preflight(machine: Machine = thisMachine()): Promise<PreflightCheck[]> {
  if (machine.platform !== 'linux') {
    const problem = `A lab needs Linux's network namespaces and nftables; this is ${machine.platform}.`;
    return [bad('linux', problem, 'Run it on Linux, or in a Linux virtual machine.')];
  }
  const programs = await Promise.all([
    checkProgram(machine, 'unshare', true),
    checkProgram(machine, 'nsenter', true),
    checkProgram(machine, 'newuidmap', false),
  ]);
  const checks = [checkKernel(machine), ...programs];
  if (programs.some((check) => !check.ok && !check.isOptional)) return checks;
  const namespaces = await checkNamespaces(machine);
  checks.push(...namespaces);
  if (namespaces.every((check) => check.ok)) checks.push(...(await checkKernelFeatures(machine)));
  return checks;
}

/** The machine that this runs on. */
export function thisMachine(): Machine {
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    userName: nameOfUser(),
    kernelRelease: release(),
    readFile: (path) => {
      try {
        return readFileSync(path, 'utf8').trim();
      } catch (error) {
        if (error instanceof Error && 'code' in error) return undefined;
        throw error;
      }
    },
    run: (program, parameters) =>
      new Promise((resolve) => {
        execFile(program, parameters, { timeout: PROBE_TIMEOUT_MS }, (error, stdout, stderr) => {
          const isMissing = error !== null && 'code' in error && error.code === 'ENOENT';
          resolve({ ok: error === null, isMissing, stdout, stderr: stderr.trim() || (error?.message ?? '') });
        });
      }),
  };
}

function checkKernel(machine: Machine): PreflightCheck {
  const [major = 0, minor = 0] = machine.kernelRelease.split('.').map((part) => Number.parseInt(part, 10));
  const isNewEnough = major > MINIMUM_KERNEL[0] || (major === MINIMUM_KERNEL[0] && minor >= MINIMUM_KERNEL[1]);
  if (isNewEnough) return good('kernel');
  return bad('kernel', `Linux ${machine.kernelRelease} is too old.`, `Use Linux ${MINIMUM_KERNEL.join('.')} or later.`);
}

async function checkProgram(machine: Machine, program: string, isNeeded: boolean): Promise<PreflightCheck> {
  // Root's lab has no user namespace, and so all user ids.
  if (machine.isRoot && !isNeeded) return { ...good(program), isOptional: true };
  const result = await machine.run(program, ['--version']);
  if (!result.isMissing) return isNeeded ? good(program) : checkSubordinateIds(machine);
  if (isNeeded) {
    return bad(program, `The program ${program} is missing.`, 'Install util-linux (Debian: sudo apt install util-linux).');
  }
  const problem = 'Without newuidmap a pod has only one user id; programs that change to another user fail.';
  return { check: program, ok: false, isOptional: true, problem, fix: 'sudo apt install uidmap' };
}

function checkSubordinateIds(machine: Machine): PreflightCheck {
  const lines = (machine.readFile('/etc/subuid') ?? '').split('\n');
  if (lines.some((line) => line.startsWith(`${machine.userName}:`))) return { ...good('newuidmap'), isOptional: true };
  return {
    check: 'newuidmap',
    ok: false,
    isOptional: true,
    problem: `The user ${machine.userName} has no range of subordinate user ids; a pod has only one user id.`,
    fix: `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${machine.userName}`,
  };
}

async function checkNamespaces(machine: Machine): Promise<PreflightCheck[]> {
  const [program = 'unshare', ...parameters] = buildUnshareCommand({ asRoot: machine.isRoot });
  const whole = await machine.run(program, [...parameters, '--net', 'true']);
  if (whole.ok) return machine.isRoot ? [good('namespaces')] : [good('user namespaces'), good('namespaces')];
  const limited = explainLimit(machine, whole.stderr);
  if (limited !== undefined) return [limited];
  if (machine.isRoot) {
    const fix =
      'In a container, give it CAP_SYS_ADMIN and CAP_NET_ADMIN (docker run --privileged), or run as an ordinary user outside.';
    return [bad('namespaces', `Root may not make namespaces here: ${whole.stderr}.`, fix)];
  }
  const user = await machine.run('unshare', ['--user', '--map-root-user', 'true']);
  if (!user.ok) return [explainUserNamespaces(machine, user.stderr)];
  const problem = `The user namespace works, but mount, pid or network namespaces inside it do not: ${whole.stderr}.`;
  const fix =
    'In a container, unmask /proc (docker run --security-opt systempaths=unconfined --security-opt seccomp=unconfined).';
  return [good('user namespaces'), bad('namespaces', problem, fix)];
}

/** The kernel's word for a limit that is reached is ENOSPC; none of a kind at all is a common setting. */
function explainLimit(machine: Machine, said: string): PreflightCheck | undefined {
  if (!said.includes('No space left on device')) return undefined;
  const kinds = machine.isRoot ? ['mnt', 'pid', 'net'] : ['user', 'mnt', 'pid', 'net'];
  const settings = kinds.map((kind) => `user.max_${kind}_namespaces`);
  const zero = settings.find((name) => machine.readFile(`/proc/sys/${name.replace('.', '/')}`) === '0');
  if (zero === 'user.max_user_namespaces') return undefined;
  if (zero !== undefined) return bad('namespaces', `${zero} is 0: no such namespaces at all.`, `sudo sysctl -w ${zero}=15000`);
  const problem = 'There are as many namespaces as the machine allows (user.max_mnt_namespaces and its like).';
  return bad('namespaces', problem, `sudo sysctl -w ${settings.map((name) => `${name}=15000`).join(' ')}`);
}

/** Who forbids user namespaces: each of these has its own switch. */
function explainUserNamespaces(machine: Machine, said: string): PreflightCheck {
  const check = 'user namespaces';
  if (machine.readFile('/proc/sys/user/max_user_namespaces') === '0') {
    return bad(
      check,
      'user.max_user_namespaces is 0: no user namespaces at all.',
      'sudo sysctl -w user.max_user_namespaces=15000',
    );
  }
  if (machine.readFile('/proc/sys/kernel/unprivileged_userns_clone') === '0') {
    const problem = 'kernel.unprivileged_userns_clone is 0: only root may make user namespaces.';
    return bad(check, problem, 'sudo sysctl -w kernel.unprivileged_userns_clone=1');
  }
  if (machine.readFile('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === '1') {
    const problem = 'AppArmor forbids user namespaces to programs without a profile (Ubuntu 23.10 and later).';
    return bad(check, problem, 'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0');
  }
  const fix = 'In a container, allow them (docker run --security-opt seccomp=unconfined), or run as root.';
  return bad(check, `User namespaces are refused: ${said}.`, fix);
}

async function checkKernelFeatures(machine: Machine): Promise<PreflightCheck[]> {
  const [program = 'unshare', ...parameters] = buildUnshareCommand({ asRoot: machine.isRoot });
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const script = fileURLToPath(new URL(`./probe${extension}`, import.meta.url));
  const result = await machine.run(program, [...parameters, '--net', process.execPath, '--no-warnings', script]);
  if (!result.ok)
    return [bad('kernel features', `The probe of the kernel's features failed: ${result.stderr}.`, 'Report this as a fault.')];
  const failures = readFailures(result.stdout);
  if (failures.length === 0) return [good('kernel features')];
  return failures.map(([feature, message]) =>
    bad(feature, `The kernel cannot do ${feature}: ${message}.`, `sudo modprobe ${feature} (or use a kernel that has it)`),
  );
}

function readFailures(text: string): [string, string][] {
  try {
    return Object.entries(JSON.parse(text) as Record<string, string>);
  } catch (error) {
    return [['kernel features', messageOf(error)]];
  }
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch (error) {
    // A user id without an entry in /etc/passwd, as containers have.
    if (error instanceof Error) return String(process.getuid?.() ?? '');
    throw error;
  }
}

function good(check: string): PreflightCheck {
  return { check, ok: true, isOptional: false };
}

function bad(check: string, problem: string, fix: string): PreflightCheck {
  return { check, ok: false, isOptional: false, problem, fix };
}
