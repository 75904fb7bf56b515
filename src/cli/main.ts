/** The commands: parse, call one function, print. Each command's code is loaded when it is called. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Shell } from './completion.ts';
import { reportFailure, watchOutput } from './failure.ts';
import { limitGarbage } from './lean-process.ts';
import { version } from './version.ts';

/** Runs one command line (without the program's own name) and sets the process's exit status. */
export async function main(args: readonly string[]): Promise<void> {
  const program = createProgram();
  watchOutput();
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode;
      return;
    }
    reportFailure(error);
  }
}

/** The command line as it is defined: for parsing it, and for what else follows from it. */
export function createProgram(): Command {
  const program = new Command('fairlead')
    .description('Kubernetes Services on one machine, on real nodes, and explained.')
    .version(version, '-V, --version', 'print the version')
    .showHelpAfterError('(fairlead COMMAND --help says what there is)')
    .enablePositionalOptions()
    .helpCommand(false)
    .exitOverride();

  program
    .command('up')
    .description('start a cluster on this machine: a Kubernetes API, nodes and pods made of network namespaces, real packets')
    .option('-f, --filename <path>', 'apply this file or directory once everything runs (repeatable)', collect, [])
    .option('--nodes <n>', 'number of nodes', nodeCount, 3)
    .option('-p, --publish <local:namespace/service:port>', 'open a port of this host to a Service (repeatable)', collect, [])
    .option('--name <name>', 'name of the lab, for a second one beside the first', labName, 'default')
    .option('--forward <address>', 'ask this name server for names that the lab does not know (repeatable)', collectOptional)
    .option('--data <dir>', 'keep the API objects in this directory')
    .addOption(
      new Option('--ip-family <family>', 'address families of the cluster').choices(['ipv4', 'ipv6', 'dual']).default('ipv4'),
    )
    .option('--port <port>', 'port of the API on this host (the next free one if taken)', portNumber, 6443)
    .addOption(
      new Option('--log-level <level>', 'what to log').choices(['error', 'warn', 'info', 'debug', 'silent']).default('error'),
    )
    .argument('[command...]', 'run this program with KUBECONFIG set once everything is ready, then stop and exit with its status')
    .passThroughOptions()
    .action(async (command: string[], options: UpFlags) => (await import('./up.ts')).up({ ...options, command }));

  program
    .command('run')
    .description('run a program, or a shell, at a place of the lab')
    .requiredOption('--from <place>', 'pod/NAME, node/NAME or outside')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option('--name <name>', 'name of the lab', labName, 'default')
    .argument('[command...]', 'the program and its arguments; a shell when absent')
    .passThroughOptions()
    .action(async (command: string[], options: RunFlags) => (await import('./run.ts')).run({ ...options, command }));

  program
    .command('explain')
    .description('where would a request go, and why')
    .argument('<target>', 'my-service, my-service.ns:80, http://my-service/, 10.96.0.10:53/udp, node/node-1:30080')
    .option('--from <place>', 'pod/NAME, node/NAME or outside')
    .option('-n, --namespace <namespace>', 'namespace that completes names', 'default')
    .option('-f, --filename <path>', 'explain these manifests, without any cluster (repeatable)', collect, [])
    .option('--kubeconfig <file>', 'explain the cluster of this kubeconfig')
    .option('--name <name>', 'name of the lab', labName, 'default')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .action(async (target: string, options: ExplainFlags) =>
      (await import('./explain.ts')).explainCommand({ ...options, target }),
    );

  program
    .command('lab')
    .description('pull plugs and cut links of a running lab, and mend them')
    .argument('<change...>', 'one of the changes below')
    .option('--name <name>', 'name of the lab', labName, 'default')
    .addHelpText('after', labHelp)
    .action(async (words: string[], options: { readonly name: string }) => (await import('./lab.ts')).labCommand(words, options));

  program
    .command('affinity')
    .description('which clients are pinned to which endpoints, on each node, and for how long still')
    .addArgument(new Argument('<action>', 'show the pins, or remove them').choices(['list', 'clear']))
    .option('--service <service>', 'only those of this Service: NAME or NAMESPACE/NAME')
    .option('--client <address>', 'only those of this client')
    .option('--node <node>', 'only those that this node keeps')
    .option('--name <name>', 'name of the lab', labName, 'default')
    .addOption(new Option('-o, --output <format>', 'output format of list').choices(['text', 'json']).default('text'))
    .action(async (action: 'list' | 'clear', options: AffinityFlags) =>
      (await import('./affinity.ts')).affinity(action, options),
    );

  program
    .command('apiserver')
    .description('the Kubernetes API alone')
    .option('--data <dir>', 'keep the objects in this directory')
    .option('--port <port>', 'port on this host (the next free one if taken)', portNumber, 6443)
    .option('--kubeconfig <file>', 'write the kubeconfig there (mode 0600)')
    .addOption(
      new Option('--log-level <level>', 'what to log').choices(['error', 'warn', 'info', 'debug', 'silent']).default('error'),
    )
    .action(async (options: ApiServerFlags) => (await import('./apiserver.ts')).apiServerCommand(options));

  program
    .command('dns')
    .description('the name server alone, for the cluster of a kubeconfig')
    .option('--kubeconfig <file>', 'the cluster; default $KUBECONFIG, ~/.kube/config, then the pod it runs in')
    .option('--context <name>', 'context of the kubeconfig to use')
    .option('--config <corefile>', 'a Corefile instead of the flags for names and forwarding')
    .option('--listen <address:port>', 'where to answer (repeatable; default port 53 of every address)', collectOptional)
    .option('--cluster-domain <zone>', 'the zone of the cluster (default cluster.local)')
    .option('--forward <address>', 'ask this server for all other names (repeatable)', collectOptional)
    .option('--udp-workers <n>', 'threads that answer UDP, for each address (default one for each core)', positiveInteger)
    .addOption(
      new Option('--log-level <level>', 'what to log').choices(['error', 'warn', 'info', 'debug', 'silent']).default('warn'),
    )
    .action(async (options: DnsFlags) => {
      limitGarbage();
      await (await import('./dns.ts')).dnsCommand(options);
    });

  program
    .command('agent')
    .description("the node's proxy in place of kube-proxy, for the cluster of a kubeconfig; runs as root on the node")
    .option('--kubeconfig <file>', 'the cluster; default $KUBECONFIG, ~/.kube/config, then the pod it runs in')
    .option('--context <name>', 'context of the kubeconfig to use')
    .option('--node-name <name>', 'name of this node (default the host name)')
    .option('--config <file>', "kube-proxy's configuration file (KubeProxyConfiguration)")
    .option('--healthz-bind-address <address:port>', 'where /healthz and /livez answer (default 0.0.0.0:10256)')
    .option('--metrics-bind-address <address:port>', 'where /metrics and /debug/routes answer (default 127.0.0.1:10249)')
    .option('--cleanup', "remove fairlead's tables from this network namespace and exit")
    .addOption(
      new Option('--log-level <level>', 'what to log').choices(['error', 'warn', 'info', 'debug', 'silent']).default('warn'),
    )
    .action(async (options: AgentFlags) => (await import('./agent.ts')).agentCommand(options));

  program
    .command('completion')
    .description('print a script that completes command lines, to be sourced by a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh', 'fish']))
    .action(async (shell: Shell) => {
      process.stdout.write((await import('./completion.ts')).completionScript(program, shell));
    });

  program
    .command('version')
    .description('print the version')
    .action(() => console.log(`fairlead ${version} (Node ${process.versions.node}, ${process.platform} ${process.arch})`));

  program
    .command('inner', { hidden: true })
    .argument('<options>')
    .action(async (options: string) => (await import('./inner.ts')).inner(options));

  return withHelpCommand(program);
}

/** Commander's own `help NAME` says nothing of a name that is no command. */
function withHelpCommand(program: Command): Command {
  const visible = program.createHelp().visibleCommands(program);
  const names = visible.map((command) => command.name());
  program
    .command('help')
    .description('display help for command')
    .addArgument(new Argument('[command]', 'which command').choices(names))
    .action((name?: string) => {
      (visible.find((command) => command.name() === name) ?? program).outputHelp();
    });
  return program;
}

/** Flags of `up` as commander gives them. */
export interface UpFlags {
  readonly filename: readonly string[];
  readonly nodes: number;
  readonly publish: readonly string[];
  readonly forward?: readonly string[];
  readonly name: string;
  readonly data?: string;
  readonly ipFamily: 'ipv4' | 'ipv6' | 'dual';
  readonly port: number;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug' | 'silent';
}

export interface RunFlags {
  readonly from: string;
  readonly namespace: string;
  readonly name: string;
}

export interface ExplainFlags {
  readonly from?: string;
  readonly namespace: string;
  readonly filename: readonly string[];
  readonly kubeconfig?: string;
  readonly name: string;
  readonly output: 'text' | 'json';
}

export interface AgentFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly nodeName?: string;
  readonly config?: string;
  readonly healthzBindAddress?: string;
  readonly metricsBindAddress?: string;
  readonly cleanup?: boolean;
  readonly logLevel: UpFlags['logLevel'];
}

export interface AffinityFlags {
  readonly service?: string;
  readonly client?: string;
  readonly node?: string;
  readonly name: string;
  readonly output: 'text' | 'json';
}

export interface ApiServerFlags {
  readonly data?: string;
  readonly port: number;
  readonly kubeconfig?: string;
  readonly logLevel: UpFlags['logLevel'];
}

export interface DnsFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly config?: string;
  readonly listen?: readonly string[];
  readonly clusterDomain?: string;
  readonly forward?: readonly string[];
  readonly udpWorkers?: number;
  readonly logLevel: UpFlags['logLevel'];
}

function collectOptional(value: string, previous?: readonly string[]): string[] {
  return collect(value, previous ?? []);
}

const labHelp = `
Changes:
  node stop NODE   cut a node and its pods off from everybody; its programs go on
  node start NODE  plug it in again
  link cut A B     lose all packets between two nodes, or a node and outside
  link heal A B    let them through again`;

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/** A name becomes a directory and a cluster's name in the kubeconfig. */
function labName(text: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(text)) return text;
  throw new InvalidArgumentError('It must be lower-case letters, digits and dashes, at most 40.');
}

/** The lab's address plan has room for this many nodes. */
const maxNodes = 254;

function nodeCount(text: string): number {
  const count = positiveInteger(text);
  if (count > maxNodes) throw new InvalidArgumentError(`A lab holds ${maxNodes} nodes at most.`);
  return count;
}

function portNumber(text: string): number {
  const port = positiveInteger(text);
  if (port > 65_535) throw new InvalidArgumentError('A port is at most 65535.');
  return port;
}

/** Commander names the flag and the value in front of this message. */
function positiveInteger(text: string): number {
  const number = Number(text);
  // digits alone: `0x50` and `1e3` are numbers as well, and nobody's port
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a whole number above 0.');
  return number;
}
