/** The journal on disk: one SQLite file in WAL mode, the last version of every object and the highest revision. */
import { closeSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { internalError } from '../../api/index.ts';
import { CodedError, messageOf } from '../../observe/index.ts';
import type { Journal } from './memory-store.ts';
import type { ApiObject, StoredObject } from './store.ts';

/** The file is another process's, or not ours. */
export class JournalError extends CodedError<{ readonly code: 'DATA_IN_USE' | 'CANNOT_OPEN'; readonly file: string }> {}

/**
 * Opens or creates the file. Each write is one transaction: it survives the end of the process at any moment, and a loss of
 * power up to the last checkpoint of the WAL (synchronous = NORMAL).
 * One process has it at a time. Throws JournalError. A write that fails, as on a full disk, throws `StatusError` and changes nothing.
 */
export async function openSqliteJournal(file: string): Promise<Journal> {
  const { DatabaseSync } = await import('node:sqlite');
  let database: DatabaseSync | undefined;
  try {
    // Secrets are in it: nobody else may read it, whatever the directory allows
    closeSync(openSync(file, 'a', 0o600));
    database = new DatabaseSync(file);
    return new SqliteJournal(database, file);
  } catch (error) {
    database?.close();
    const isLocked = /locked/.test(messageOf(error));
    const text = isLocked ? 'another process is using it' : messageOf(error);
    const code = isLocked ? 'DATA_IN_USE' : 'CANNOT_OPEN';
    throw new JournalError(`cannot open ${file}: ${text}`, { code, file }, { cause: error });
  }
}

class SqliteJournal implements Journal {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #put: (key: string, revision: number, value: string) => void;
  readonly #remove: (key: string) => void;
  readonly #setRevision: (revision: number) => void;

  constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
    database.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, revision INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
    `);
    const put = database.prepare('INSERT OR REPLACE INTO objects (key, revision, value) VALUES (?, ?, ?)');
    const remove = database.prepare('DELETE FROM objects WHERE key = ?');
    const setRevision = database.prepare('INSERT OR REPLACE INTO counter (id, revision) VALUES (1, ?)');
    this.#put = (key, revision, value) => put.run(key, revision, value);
    this.#remove = (key) => remove.run(key);
    this.#setRevision = (revision) => setRevision.run(revision);
  }

  load(): { readonly revision: number; readonly objects: readonly StoredObject[] } {
    const objects = this.#database
      .prepare('SELECT key, revision, value FROM objects ORDER BY key')
      .all()
      .map((row) => ({
        key: String(row['key']),
        revision: Number(row['revision']),
        object: JSON.parse(String(row['value'])) as ApiObject,
      }));
    const counter = this.#database.prepare('SELECT revision FROM counter WHERE id = 1').get();
    const revision = Number(counter?.['revision'] ?? 0);
    // The start itself takes a revision: two restarts without a write in between must not share one.
    this.#setRevision(revision + 1);
    return { revision, objects };
  }

  write(key: string, revision: number, object: ApiObject | undefined): void {
    this.#database.exec('BEGIN');
    try {
      if (object === undefined) this.#remove(key);
      else this.#put(key, revision, JSON.stringify(object));
      this.#setRevision(revision);
      this.#database.exec('COMMIT');
    } catch (error) {
      // SQLite has rolled back by itself when the disk is full
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw internalError(`${this.#file} takes no change: ${messageOf(error)}`, { cause: error });
    }
  }

  close(): void {
    this.#database.close();
  }
}
