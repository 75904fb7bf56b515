/** What the kubelet needs of the machine its node stands for: a network per pod, and sockets in it. The lab fulfils it structurally. */
import type { Server, Socket } from 'node:net';
import type { Socket as UdpSocket } from 'node:dgram';

/** A pod's network: a namespace of its own on the node, or the node's with hostNetwork. */
export interface PodNetwork {
  readonly addresses: readonly string[];
  /** For `nsenter --net=`, from processes that this process starts. */
  readonly namespacePath: string;
  /** Makes the server listen inside the namespace. Rejects with EADDRINUSE and the like (as `code`). */
  listenTcp(server: Server, bind: { readonly address: string; readonly port: number }): Promise<void>;
  /** A bound UDP socket of the namespace. */
  openUdp(bind: { readonly address: string; readonly port: number }): Promise<UdpSocket>;
  /** A TCP connection from inside the namespace. */
  dial(target: { readonly address: string; readonly port: number }, options?: DialOptions): Promise<Socket>;
}

export interface DialOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** One node's machine. */
export interface PodRuntime {
  /** Addresses of the node, IPv4 first when it has both. */
  readonly nodeAddresses: readonly string[];
  /** Makes the pod's namespace and its link to the node. Adding an id twice is an error. */
  addPod(pod: {
    readonly id: string;
    /** `namespace/name`, for people who want to enter it. */
    readonly name: string;
    readonly addresses: readonly string[];
    readonly hostNetwork: boolean;
  }): Promise<PodNetwork>;
  /** Takes it down; unknown ids are ignored. */
  removePod(id: string): Promise<void>;
  /** A TCP connection from the node itself: how probes come. */
  dial(target: { readonly address: string; readonly port: number }, options?: DialOptions): Promise<Socket>;
}
