/**
 * The sandbox of a container with a command: shell scripts that build its file system out of the host's, read-only. Pure text.
 *
 * Why a shell and util-linux: a threaded process cannot unshare its mounts for a child, and every Linux has these tools.
 * Steps: `nsenter` into the pod's network -> `unshare` mounts, names, ipc, pids -> this script as pid 1: binds, a private /dev,
 * /proc, /tmp, /run and homes, `pivot_root` -> `setpriv` keeps the capabilities that container runtimes keep (so not
 * CAP_SYS_ADMIN: what is read-only stays so) -> the command itself, still pid 1.
 */

/** Where the kubelet keeps its files: a tmpfs that only this process's mount namespace has. */
export interface SandboxPaths {
  /** The tmpfs itself, mounted over an existing directory, e.g. `/dev/shm`. */
  readonly directory: string;
}

/** One volume or file in a container. */
export interface SandboxMount {
  /** Path outside the sandbox, below the kubelet's directory. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly isFile?: boolean;
}

export interface SandboxSpec {
  readonly hostname: string;
  readonly workingDir: string;
  /** Directories of the host that are empty and private inside, besides /tmp and /run. Only those that exist. */
  readonly privateDirectories: readonly string[];
  /** Entries of the host's root directory, when the container needs new ones there (see `needsOwnRoot`). */
  readonly rootEntries?:
    | readonly { readonly name: string; readonly kind: 'directory' | 'file' | 'link'; readonly link?: string }[]
    | undefined;
  /** Directory of the pod with `etc/resolv.conf`, `etc/hosts`, `etc/hostname`; absent: the host's. */
  readonly etcDirectory?: string | undefined;
  readonly mounts: readonly SandboxMount[];
  /** Unix sockets of the host that the container must not reach. */
  readonly hiddenSockets: readonly string[];
  readonly user?: { readonly uid: number; readonly gid: number; readonly isMapped: boolean } | undefined;
  /** All capabilities (securityContext.privileged). Still no way to write to the host's files. */
  readonly capabilities: readonly string[];
}

/** What container runtimes leave a container by default, without mknod (there is no device cgroup to tame it). */
export const defaultCapabilities: readonly string[] = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'net_bind_service',
  'net_raw',
  'sys_chroot',
  'setfcap',
];

/** What container runtimes leave read-only in /proc besides /proc/sys. */
const kernelSwitches: readonly string[] = ['acpi', 'bus', 'fs', 'irq', 'mtrr', 'scsi', 'sysrq-trigger'];

const toolPath = '/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Prepares `directory`: a tmpfs over it, and in it `rootfs`, the host's tree with every mount read-only, and `new`, where
 * containers build theirs. Run once, in a mount namespace of one's own.
 */
export function buildTemplateScript({ directory }: SandboxPaths): string {
  const root = quote(`${directory}/rootfs`);
  const own = quote(directory);
  return `set -e
PATH=${toolPath}
mount -t tmpfs -o mode=755,nosuid,nodev fairlead ${own}
mkdir ${root} ${quote(`${directory}/new`)} ${quote(`${directory}/pods`)}
mount --rbind / ${root}
# another mount lies over it: nobody gets there
is_shadowed() {
  [ ! -e "$1" ] || return 1
  above=$1; while [ ! -e "$above" ]; do above=$(dirname "$above"); done
  [ -x "$above" ]
}
prefix=${root}
while read -r _ _ _ _ point options _; do
  case "$point" in "$prefix"|"$prefix"/*) ;; *) continue ;; esac
  keep=ro
  # flags of mounts that came from a more privileged namespace are locked and must be named again
  for flag in nosuid nodev noexec noatime nodiratime relatime; do
    case ",$options," in *",$flag,"*) keep="$keep,$flag" ;; esac
  done
  path=$(printf '%b' "$point")
  mount -o "remount,bind,$keep" "$path" 2>/dev/null || umount -l "$path" 2>/dev/null || is_shadowed "$path" || {
    echo "cannot make $path read-only" >&2
    exit 1
  }
done < /proc/self/mountinfo
`;
}

/** The script that pid 1 of the container runs: builds, then becomes `"$@"`. It writes `ready` to descriptor 3 just before that. */
export function buildContainerScript({ directory }: SandboxPaths, spec: SandboxSpec): string {
  const root = `${directory}/new`;
  const inside = (path: string): string => quote(`${root}${path}`);
  const lines = ['set -e', 'user_path=$PATH', `PATH=${toolPath}`, `hostname ${quote(spec.hostname)} 2>/dev/null || true`];
  lines.push(...rootLines(directory, root, spec));
  for (const path of ['/tmp', '/run', ...spec.privateDirectories])
    lines.push(`mount -t tmpfs -o nosuid,nodev,mode=${path === '/run' ? '755' : '1777'} tmpfs ${inside(path)}`);
  lines.push(
    `mount -t tmpfs -o nosuid,mode=755 tmpfs ${inside('/dev')}`,
    `for device in null zero full random urandom tty; do : > ${inside('/dev')}/$device; mount --bind /dev/$device ${inside('/dev')}/$device; done`,
    `mkdir ${inside('/dev/pts')} ${inside('/dev/shm')} ${inside('/run/.pod')} ${inside('/run/.scratch')} ${inside('/run/lock')}`,
    `mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts ${inside('/dev/pts')} || true`,
    `ln -s pts/ptmx ${inside('/dev/ptmx')}; ln -s /proc/self/fd ${inside('/dev/fd')}; ln -s fd/0 ${inside('/dev/stdin')}; ln -s fd/1 ${inside('/dev/stdout')}; ln -s fd/2 ${inside('/dev/stderr')}`,
    `mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs ${inside('/dev/shm')}`,
    `mount -t proc -o nosuid,nodev,noexec proc ${inside('/proc')}`,
    `mount -o bind,ro ${inside('/proc/sys')} ${inside('/proc/sys')}`,
    // the kernel's own switches outside of /proc/sys: to real root they are ordinary files
    `for path in ${kernelSwitches.map((name) => inside(`/proc/${name}`)).join(' ')}; do if [ -w $path ]; then mount -o bind,ro $path $path; fi; done`,
    `mount --bind ${quote(`${directory}/pods`)} ${inside('/run/.pod')}`,
    `cd ${quote(root)}`,
    'pivot_root . .',
    'umount -l .',
    'cd /',
  );
  // before volumes, which may stand on the same path; one that this user may not see is none here either
  for (const socket of spec.hiddenSockets)
    lines.push(`if [ -S ${quote(socket)} ]; then mount --bind /dev/null ${quote(socket)}; fi`);
  lines.push(...mountLines(directory, spec));
  lines.push('umount -l /run/.pod', 'rmdir /run/.pod');
  // as container runtimes do; below what is read-only it cannot be made
  lines.push(`[ -d ${quote(spec.workingDir)} ] || mkdir -p ${quote(spec.workingDir)} 2>/dev/null || true`);
  if (spec.rootEntries !== undefined) lines.push('mount -o remount,bind,ro /');
  lines.push(
    `cd ${quote(spec.workingDir)} 2>/dev/null || { echo ${quote(`chdir to cwd (${JSON.stringify(spec.workingDir)}) failed: no such file or directory`)} >&2; exit 126; }`,
    'PATH=$user_path',
    'case "$1" in */*) [ -x "$1" ] ;; *) command -v -- "$1" >/dev/null ;; esac || { echo "exec: \\"$1\\": executable file not found" >&2; echo missing >&3; exit 127; }',
    'echo ready >&3',
    'exec 3>&-',
    `exec ${privilegeCommand(spec)} "$@"`,
  );
  return `${lines.join('\n')}\n`;
}

/** `nsenter` and `unshare` in front of the script: the command line of a container. */
export function containerCommand(networkPath: string, script: string, command: readonly string[]): string[] {
  const enter = ['/usr/bin/nsenter', `--net=${networkPath}`, '--'];
  const leave = ['/usr/bin/unshare', '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--'];
  return [...enter, ...leave, '/bin/sh', '-c', script, 'fairlead-container', ...command];
}

/** The command line that joins a running container, whose pid 1 is `pid` here, and runs `command` as the container's own user. */
export function joinCommand(pid: number, spec: Pick<SandboxSpec, 'user' | 'capabilities'>, command: readonly string[]): string[] {
  const enter = ['/usr/bin/nsenter', `--target=${pid}`, '--mount', '--uts', '--ipc', '--net', '--pid', '--wd', '--'];
  return [...enter, ...privilegeCommand(spec).split(' '), ...command];
}

/**
 * Whether the root directory must become a writable copy of itself (entries bound one by one): when a volume is to stand on a
 * path whose first part the host does not have.
 */
export function needsOwnRoot(targets: readonly string[], hostHas: (name: string) => boolean): boolean {
  return targets.some((target) => {
    const first = target.split('/').find((part) => part !== '');
    return first !== undefined && !hostHas(first);
  });
}

function rootLines(directory: string, root: string, spec: SandboxSpec): string[] {
  const template = `${directory}/rootfs`;
  if (spec.rootEntries === undefined) return [`mount --rbind ${quote(template)} ${quote(root)}`];
  const lines = [`mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs ${quote(root)}`];
  for (const { name, kind, link } of spec.rootEntries) {
    const target = quote(`${root}/${name}`);
    const source = quote(`${template}/${name}`);
    if (kind === 'link') lines.push(`ln -s ${quote(link ?? '')} ${target}`);
    else lines.push(kind === 'directory' ? `mkdir ${target}` : `: > ${target}`, `mount --rbind ${source} ${target}`);
  }
  return lines;
}

/** After pivot_root, so that symbolic links (such as /etc/resolv.conf into /run) lead where they will lead the container. */
function mountLines(directory: string, spec: SandboxSpec): string[] {
  const lines = [
    // makes a mount point: on a read-only directory a private layer is laid over its deepest existing ancestor
    'point() {',
    '  if [ -e "$2" ]; then return 0; fi',
    '  parent=$2; while [ ! -e "$parent" ]; do parent=$(dirname "$parent"); done',
    '  if ! mkdir -p "$(dirname "$2")" 2>/dev/null || ! [ -w "$(dirname "$2")" ]; then',
    '    layer=$(mktemp -d /run/.scratch/XXXXXX); mkdir "$layer/upper" "$layer/work"',
    '    mount -t overlay -o "lowerdir=$parent,upperdir=$layer/upper,workdir=$layer/work" overlay "$parent"',
    '    mkdir -p "$(dirname "$2")"',
    '  fi',
    '  if [ "$1" = file ]; then : > "$2"; else mkdir -p "$2"; fi',
    '}',
  ];
  if (spec.etcDirectory !== undefined) {
    for (const name of ['resolv.conf', 'hosts', 'hostname']) {
      lines.push(
        `target=$(readlink -m /etc/${name}); point file "$target"; mount --bind ${quote(relocate(directory, `${spec.etcDirectory}/${name}`))} "$target"`,
      );
    }
  }
  for (const { source, target, readOnly, isFile } of spec.mounts) {
    const to = `"$(readlink -m ${quote(target)})"`;
    lines.push(
      `point ${isFile === true ? 'file' : 'directory'} ${to}`,
      `mount --bind ${quote(relocate(directory, source))} ${to}`,
    );
    if (readOnly) lines.push(`mount -o remount,bind,ro,nosuid,nodev ${to}`);
  }
  return lines;
}

/** A path below the kubelet's pods directory, as the container sees it while it is built. */
function relocate(directory: string, path: string): string {
  const pods = `${directory}/pods/`;
  if (!path.startsWith(pods)) throw new TypeError(`not below ${pods}: ${path}`);
  return `/run/.pod/${path.slice(pods.length)}`;
}

function privilegeCommand({ user, capabilities }: Pick<SandboxSpec, 'user' | 'capabilities'>): string {
  const isShown = user !== undefined && user.uid !== 0 && !user.isMapped;
  // to show root under another number takes this one of whoever makes the namespace (user_namespaces(7)); in it nobody has it
  const kept = isShown && !capabilities.includes('setfcap') ? [...capabilities, 'setfcap'] : capabilities;
  const bounding = ['-all', ...kept.map((name) => `+${name}`)].join(',');
  const words = ['/usr/bin/setpriv', `--bounding-set=${bounding}`];
  if (user !== undefined && user.uid !== 0 && user.isMapped)
    words.push(`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups');
  words.push('--');
  // one uid only: a user namespace of the container's own shows it under the number that was asked for
  if (isShown) words.push('/usr/bin/unshare', '--user', `--map-user=${user.uid}`, `--map-group=${user.gid}`, '--');
  return words.join(' ');
}

/** A word that the shell takes as it stands. */
export function quote(text: string): string {
  return /^[\w./:=,+@%-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
