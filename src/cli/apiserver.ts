/** `fairlead apiserver`: the Kubernetes API alone. */
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { startApiServer } from '../apiserver/index.ts';
import { CodedError, createLogger, messageOf } from '../observe/index.ts';
import type { ApiServerFlags } from './main.ts';

/** The kubeconfig cannot be written where it was asked for. */
export class KubeconfigFileError extends CodedError<{ readonly code: 'unwritable' }> {}

/** Serves until a signal comes. Prints the URL and where the kubeconfig is, or the kubeconfig itself. */
export async function apiServerCommand(flags: ApiServerFlags): Promise<void> {
  const server = await startApiServer(
    { port: flags.port, ...(flags.data === undefined ? {} : { dataDir: resolve(flags.data) }) },
    { logger: createLogger(flags.logLevel) },
  );
  if (flags.kubeconfig === undefined) {
    console.log(server.kubeconfigText);
  } else {
    try {
      writeKubeconfig(flags.kubeconfig, server.kubeconfigText);
    } catch (error) {
      await server.close();
      throw error;
    }
    console.log(`KUBECONFIG ${resolve(flags.kubeconfig)}`);
  }
  console.error(`API ${server.url}; stop with Ctrl-C`);
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
  });
  await server.close();
}

/** A file that is there already may be open to others: it is closed to them before the token is in it. */
function writeKubeconfig(path: string, text: string): void {
  try {
    if (existsSync(path) && statSync(path).isFile()) chmodSync(path, 0o600);
    writeFileSync(path, text, { mode: 0o600 });
  } catch (cause) {
    throw new KubeconfigFileError(`--kubeconfig: ${messageOf(cause)}`, { code: 'unwritable' }, { cause });
  }
}
