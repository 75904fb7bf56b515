/** The lab as the prober wants it: sockets at places by name. */
import type { Socket as UdpSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import type { Lab } from '../lab/index.ts';
import type { DialOptions, Dialer } from './prober.ts';

interface Target {
  readonly address: string;
  readonly port: number;
}

/** Dials from the lab's places. */
export class LabDialer implements Dialer {
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  dialTcp(place: string, target: Target, { localAddress, timeoutMs }: DialOptions): Promise<Socket> {
    const bind = localAddress === undefined ? {} : { bind: { address: localAddress, port: 0 } };
    return this.#lab.place(place).dial(target, { ...bind, timeoutMs });
  }

  async exchangeUdp(
    place: string,
    target: Target,
    payload: Uint8Array,
    { localAddress, timeoutMs }: DialOptions,
  ): Promise<Uint8Array> {
    const any = target.address.includes(':') ? '::' : '0.0.0.0';
    const socket = await this.#lab.place(place).openUdp({ address: localAddress ?? any, port: 0 });
    try {
      return await exchange(socket, target, payload, timeoutMs);
    } finally {
      socket.close();
    }
  }
}

function exchange(socket: UdpSocket, target: Target, payload: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })), timeoutMs);
    const settle = (action: () => void): void => {
      clearTimeout(timer);
      action();
    };
    socket.once('message', (message) => settle(() => resolve(message)));
    socket.once('error', (error) => settle(() => reject(error)));
    socket.send(payload, target.port, target.address, (error) => {
      if (error !== null) settle(() => reject(error));
    });
  });
}
