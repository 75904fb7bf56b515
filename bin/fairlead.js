#!/usr/bin/env node
// The entry for any Node, however old: says what is missing, or hands over to the program.
// So that an old one gets as far as the message, nothing here is newer than Node 12: no await outside functions, no `?.`.
// In a published package the program is compiled (dist/); in a clone it runs from its sources.
import { existsSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(
    `fairlead needs Node 24 or newer, and this is ${process.versions.node}: install a newer Node, or in a clone run ./fairlead, which finds the one that npm ci brought.`,
  );
  process.exit(1);
}
// Compiled code is kept for the next start, where only this user can write: in /tmp, Node's default, anybody could lay out code for us.
const cache = process.env.NODE_COMPILE_CACHE || cacheOfUser();
if (cache !== undefined) module.enableCompileCache(cache);
const compiled = new URL('../dist/cli/main.js', import.meta.url);
const source = new URL('../src/cli/main.ts', import.meta.url);
void import(existsSync(source) ? source : compiled).then(({ main }) => main(process.argv.slice(2)));

/** Undefined for a user without a home: the program then starts without a cache. */
function cacheOfUser() {
  try {
    return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fairlead', 'node');
  } catch (error) {
    // a uid that no passwd entry knows, and no HOME: uv_os_homedir gives up
    if (error.code === 'ERR_SYSTEM_ERROR' || error.syscall === 'uv_os_homedir') return undefined;
    throw error;
  }
}
