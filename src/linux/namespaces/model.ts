/** Network and mount namespaces as handles, and the sockets that are opened inside them. */

/** A network namespace kept alive by an open descriptor of this process. */
export interface NamespaceHandle {
  readonly name: string;
  readonly fd: number;
  /** `/proc/PID/fd/N`, PID as this process sees itself: for `nsenter --net=` from the same pid namespace. */
  readonly path: string;
  /** Inode of the namespace, as in `net:[4026532281]`: the same in every pid namespace. */
  readonly inode: number;
}

/** A mount namespace kept alive by an open descriptor. */
export interface MountNamespaceHandle {
  readonly fd: number;
  /** For `nsenter --mount=`. */
  readonly path: string;
}

/** One step of building a mount namespace, done in order. Paths are as seen inside it at that moment. */
export type MountStep =
  /** Make the whole tree read-only, recursively (mount_setattr, Linux 5.12). */
  | { readonly kind: 'read-only'; readonly path: string }
  | { readonly kind: 'read-write'; readonly path: string }
  /** Bind a directory or file over another that exists. */
  | { readonly kind: 'bind'; readonly source: string; readonly target: string; readonly readOnly?: boolean }
  | { readonly kind: 'tmpfs'; readonly target: string; readonly mode?: number; readonly sizeBytes?: number }
  | { readonly kind: 'proc'; readonly target: string }
  | { readonly kind: 'mkdir'; readonly path: string; readonly mode?: number }
  /** Write a file (say on a tmpfs made before). */
  | { readonly kind: 'file'; readonly path: string; readonly content: string; readonly mode?: number }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | { readonly kind: 'unmount'; readonly path: string };

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** A socket to be made inside a namespace. It comes back non-blocking and close-on-exec. */
export interface SocketOptions {
  readonly type: 'tcp' | 'udp';
  /** Default: that of `bind` or `connect`, else 4. */
  readonly family?: 4 | 6;
  readonly bind?: SocketAddress;
  /** Start a TCP connect; it is in progress when the descriptor comes back. Prefer `connectTcp`. For UDP: the fixed peer. */
  readonly connect?: SocketAddress;
  /** Backlog: listen at once. */
  readonly listen?: number;
  /** SO_REUSEADDR; default true for listeners. */
  readonly reuseAddress?: boolean;
  readonly reusePort?: boolean;
  readonly ipv6Only?: boolean;
  /** IP_FREEBIND: bind to an address that the namespace does not have (yet). */
  readonly freebind?: boolean;
  /** IP_TRANSPARENT. */
  readonly transparent?: boolean;
  /** SO_BINDTODEVICE. */
  readonly device?: string;
  readonly mark?: number;
  readonly receiveBufferBytes?: number;
  readonly sendBufferBytes?: number;
}
