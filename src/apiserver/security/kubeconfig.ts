/** The text of a kubeconfig file for this server. */

export interface KubeconfigFacts {
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
  /** Name of cluster, user and context. */
  readonly name: string;
}

/** YAML with everything inline. Whoever reads it is the administrator: write it with mode 0600. */
export function kubeconfigText({ url, caPem, token, name }: KubeconfigFacts): string {
  const quoted = JSON.stringify(name);
  return `apiVersion: v1
kind: Config
clusters:
- name: ${quoted}
  cluster:
    server: ${JSON.stringify(url)}
    certificate-authority-data: ${Buffer.from(caPem).toString('base64')}
users:
- name: ${quoted}
  user:
    token: ${JSON.stringify(token)}
contexts:
- name: ${quoted}
  context:
    cluster: ${quoted}
    user: ${quoted}
    namespace: default
current-context: ${quoted}
`;
}
