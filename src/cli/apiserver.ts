/** `fairlead apiserver`: the Kubernetes API alone. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { startApiServer } from '../apiserver/index.ts';
import { createLogger } from '../observe/index.ts';
import type { ApiServerFlags } from './main.ts';

/** Serves until a signal comes. Prints the URL and where the kubeconfig is, or the kubeconfig itself. */
export async function apiServerCommand(flags: ApiServerFlags): Promise<void> {
  const server = await startApiServer(
    { port: flags.port, ...(flags.data === undefined ? {} : { dataDir: resolve(flags.data) }) },
    { logger: createLogger(flags.logLevel) },
  );
  if (flags.kubeconfig === undefined) {
    console.log(server.kubeconfigText);
  } else {
    writeFileSync(flags.kubeconfig, server.kubeconfigText, { mode: 0o600 });
    console.log(`KUBECONFIG ${resolve(flags.kubeconfig)}`);
  }
  console.error(`API ${server.url}; stop with Ctrl-C`);
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
  });
  await server.close();
}
