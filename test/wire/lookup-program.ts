/** Names as the other C library, musl, resolves them in pods. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasProgram } from './linux-harness.ts';

/** Options of a test that needs musl. */
export const needsMusl = hasProgram('musl-gcc') ? {} : { skip: 'musl is not installed; Debian: apt-get install musl-tools gcc' };

/** The program that looks a name up with musl: for a pod's standard input, since pods see neither our temporary files nor our home. */
export function buildLookupProgram(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-musl-'));
  try {
    writeFileSync(join(folder, 'lookup.c'), source);
    execFileSync('musl-gcc', ['-static', '-O1', '-s', '-o', join(folder, 'lookup'), join(folder, 'lookup.c')]);
    return readFileSync(join(folder, 'lookup'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Prints the IPv4 addresses of a name, one a line, or the reason why there is none. */
const source = `
#include <stdio.h>
#include <netdb.h>
#include <arpa/inet.h>
int main(int count, char **words) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = 0;
  int problem = count < 2 ? EAI_NONAME : getaddrinfo(words[1], 0, &hints, &list);
  if (problem) { printf("%s\\n", gai_strerror(problem)); return 2; }
  for (; list; list = list->ai_next) {
    char text[64];
    puts(inet_ntop(AF_INET, &((struct sockaddr_in *)list->ai_addr)->sin_addr, text, sizeof text));
  }
}
`;
