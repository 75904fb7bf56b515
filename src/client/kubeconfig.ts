/** Where the API server is and who we are there: kubeconfig files (client.config.k8s.io/v1), and a pod's own service account. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { isJsonObject } from '../api/index.ts';
import { messageOf } from '../observe/index.ts';
import { KubeconfigError } from './errors.ts';

/** All that is needed to talk to one API server as one user. Certificates and keys are PEM text. */
export interface ClientConfig {
  /** Base URL, e.g. https://127.0.0.1:6443; a path prefix is kept. */
  readonly server: string;
  /** Certificates that the server's must descend from; the system's own when absent. */
  readonly caData?: string | undefined;
  readonly token?: string | undefined;
  /** A file holding the token; read again when it is a minute old, because service account tokens rotate. */
  readonly tokenFile?: string | undefined;
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
  /** HTTP basic authentication, for servers that still know it. */
  readonly basic?: { readonly username: string; readonly password: string } | undefined;
  /** Accept any server certificate. */
  readonly insecure?: boolean | undefined;
  /** Name to expect in the server's certificate instead of the URL's host. */
  readonly tlsServerName?: string | undefined;
  /** Namespace of the context; `default` when absent. */
  readonly namespace?: string | undefined;
}

export interface KubeconfigOptions {
  /** Name of the context to use instead of `current-context`. */
  readonly context?: string | undefined;
  /** Environment to read KUBECONFIG and the in-cluster variables from. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

interface NamedEntry {
  readonly name: string;
  readonly value: Readonly<Record<string, unknown>>;
  /** Folder that relative paths in this entry start from. */
  readonly folder: string;
}

interface Kubeconfig {
  readonly source: string;
  readonly clusters: readonly NamedEntry[];
  readonly users: readonly NamedEntry[];
  readonly contexts: readonly NamedEntry[];
  readonly currentContext: string | undefined;
}

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Loads a kubeconfig as kubectl does: `path` if given, else the files of $KUBECONFIG (the first to name a thing wins), else
 * ~/.kube/config, else the pod's service account. Throws `KubeconfigError`.
 */
export function loadKubeconfig(path?: string, options: KubeconfigOptions = {}): ClientConfig {
  const env = options.env ?? process.env;
  const listed = (env['KUBECONFIG'] ?? '').split(':').filter((entry) => entry !== '');
  const home = join(env['HOME'] ?? homedir(), '.kube', 'config');
  const paths = path === undefined ? (listed.length > 0 ? listed.filter((entry) => existsSync(entry)) : [home]) : [path];
  if (path === undefined && !paths.some((entry) => existsSync(entry))) {
    const inCluster = loadInClusterConfig(env);
    if (inCluster !== undefined) return inCluster;
    throw new KubeconfigError(
      `no kubeconfig: ${listed.length > 0 ? listed.join(', ') : home} does not exist; set KUBECONFIG or pass --kubeconfig`,
      {
        code: 'kubeconfig',
        source: listed[0] ?? home,
      },
    );
  }
  return configOf(mergeKubeconfigs(paths.map((entry) => readKubeconfig(entry))), options.context);
}

/** Reads a kubeconfig from its text (YAML or JSON). Relative paths in it start from `folder`. Throws `KubeconfigError`. */
export function parseKubeconfig(
  text: string,
  options: { readonly context?: string | undefined; readonly folder?: string } = {},
): ClientConfig {
  return configOf(decodeKubeconfig(text, 'kubeconfig', options.folder ?? '.'), options.context);
}

/** The configuration of a pod in a cluster, from its environment and mounted service account; undefined outside of one. */
export function loadInClusterConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  folder: string = serviceAccountFolder,
): ClientConfig | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  const tokenFile = join(folder, 'token');
  if (host === undefined || port === undefined || !existsSync(tokenFile)) return undefined;
  const namespaceFile = join(folder, 'namespace');
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    caData: readText(join(folder, 'ca.crt')),
    tokenFile,
    namespace: existsSync(namespaceFile) ? readText(namespaceFile).trim() : undefined,
  };
}

/** The text of a kubeconfig with one cluster, user and context, all named `name`. It holds secrets: write it with mode 0600. */
export function writeKubeconfig(config: ClientConfig, name: string): string {
  const cluster = {
    server: config.server,
    'certificate-authority-data': base64(config.caData),
    'insecure-skip-tls-verify': config.insecure,
    'tls-server-name': config.tlsServerName,
  };
  const user = {
    token: config.token,
    tokenFile: config.tokenFile,
    'client-certificate-data': base64(config.clientCert),
    'client-key-data': base64(config.clientKey),
    username: config.basic?.username,
    password: config.basic?.password,
  };
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: dropUndefined(cluster) }],
      users: [{ name, user: dropUndefined(user) }],
      contexts: [{ name, context: dropUndefined({ cluster: name, user: name, namespace: config.namespace }) }],
      'current-context': name,
    },
    { lineWidth: 0 },
  );
}

function readKubeconfig(path: string): Kubeconfig {
  return decodeKubeconfig(readText(path), path, dirname(resolve(path)));
}

function decodeKubeconfig(text: string, source: string, folder: string): Kubeconfig {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    // the parser draws the place below its sentence
    const [sentence = ''] = messageOf(error).split('\n');
    throw new KubeconfigError(`${source}: ${sentence.replace(/:$/, '')}`, { code: 'kubeconfig', source }, { cause: error });
  }
  if (!isJsonObject(document)) throw new KubeconfigError(`${source}: is not a kubeconfig`, { code: 'kubeconfig', source });
  const current = document['current-context'];
  return {
    source,
    clusters: entriesOf(document['clusters'], 'cluster', folder),
    users: entriesOf(document['users'], 'user', folder),
    contexts: entriesOf(document['contexts'], 'context', folder),
    currentContext: typeof current === 'string' && current !== '' ? current : undefined,
  };
}

function entriesOf(list: unknown, member: string, folder: string): NamedEntry[] {
  const entries: NamedEntry[] = [];
  for (const item of Array.isArray(list) ? list : []) {
    if (!isJsonObject(item) || typeof item['name'] !== 'string') continue;
    const value = item[member];
    entries.push({ name: item['name'], value: isJsonObject(value) ? value : {}, folder });
  }
  return entries;
}

function mergeKubeconfigs(files: readonly Kubeconfig[]): Kubeconfig {
  return {
    source: files.map((file) => file.source).join(':'),
    clusters: files.flatMap((file) => file.clusters),
    users: files.flatMap((file) => file.users),
    contexts: files.flatMap((file) => file.contexts),
    currentContext: files.find((file) => file.currentContext !== undefined)?.currentContext,
  };
}

function configOf(file: Kubeconfig, wanted: string | undefined): ClientConfig {
  const fail = (text: string): never => {
    throw new KubeconfigError(`${file.source}: ${text}`, { code: 'kubeconfig', source: file.source });
  };
  const name = wanted ?? file.currentContext ?? fail('has no current-context; name one with --context');
  const context = file.contexts.find((entry) => entry.name === name) ?? fail(`has no context ${JSON.stringify(name)}`);
  const clusterName = textOf(context, 'cluster');
  const cluster = file.clusters.find((entry) => entry.name === clusterName) ?? fail(`context ${name} names no known cluster`);
  const userName = textOf(context, 'user');
  const user = file.users.find((entry) => entry.name === userName);
  if (userName !== undefined && user === undefined) fail(`context ${name} names no known user`);
  if (user !== undefined && ('exec' in user.value || 'auth-provider' in user.value))
    fail(
      `user ${user.name} gets its credentials from a program (exec), which is not supported; use a token or a client certificate`,
    );
  if (textOf(cluster, 'proxy-url') !== undefined) fail(`cluster ${cluster.name} has a proxy-url, which is not supported`);
  const server = textOf(cluster, 'server') ?? fail(`cluster ${cluster.name} has no server`);
  if (!URL.canParse(server)) fail(`cluster ${cluster.name}: server ${JSON.stringify(server)} is not a URL`);
  const username = textOf(user, 'username');
  return {
    server: server.replace(/\/+$/, ''),
    caData: dataOf(cluster, 'certificate-authority'),
    token: textOf(user, 'token'),
    tokenFile: pathOf(user, 'tokenFile'),
    clientCert: dataOf(user, 'client-certificate'),
    clientKey: dataOf(user, 'client-key'),
    basic: username === undefined ? undefined : { username, password: textOf(user, 'password') ?? '' },
    insecure: cluster.value['insecure-skip-tls-verify'] === true,
    tlsServerName: textOf(cluster, 'tls-server-name'),
    namespace: textOf(context, 'namespace'),
  };
}

/** `name-data` (base64) if present, else the content of the file that `name` points to. */
function dataOf(entry: NamedEntry | undefined, name: string): string | undefined {
  const inline = textOf(entry, `${name}-data`);
  if (inline !== undefined) return Buffer.from(inline, 'base64').toString('utf8');
  const path = pathOf(entry, name);
  return path === undefined ? undefined : readText(path);
}

function pathOf(entry: NamedEntry | undefined, name: string): string | undefined {
  const path = textOf(entry, name);
  if (path === undefined || entry === undefined) return undefined;
  return isAbsolute(path) ? path : join(entry.folder, path);
}

function textOf(entry: NamedEntry | undefined, name: string): string | undefined {
  const value = entry?.value[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new KubeconfigError(`cannot read ${path}: ${messageOf(error)}`, { code: 'kubeconfig', source: path }, { cause: error });
  }
}

function base64(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text, 'utf8').toString('base64');
}

function dropUndefined(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined && member !== false));
}
