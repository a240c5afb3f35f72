import { execFile, type SpawnOptions } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DatabaseStartError } from './database-start-error.ts';

const run = promisify(execFile);

/** `nobody`: exists everywhere, and PostgreSQL refuses a uid without a name. */
const NOBODY_ID = 65_534;
/** The uid that root shows itself as inside a user namespace; any but 0 will do. */
const NAMESPACE_ID = 1_000;

/** How PostgreSQL's programs are run so that they accept it, and who must own their files. */
export interface PostgresAccount {
  name: 'self' | 'owner' | 'user-namespace' | 'owner-with-capability';
  /** Programs that come before the PostgreSQL program on the command line. */
  prefix: string[];
  spawnOptions: Pick<SpawnOptions, 'uid' | 'gid'>;
  /** Owner of the data directory, as seen from outside. */
  ownerUid: number;
  ownerGid: number;
  /** Whether the kernel stops PostgreSQL when this process dies. */
  diesWithParent: boolean;
}

/** The account that this process can use for programs in `binDir` on files in `directory`. */
export async function choosePostgresAccount(
  binDir: string,
  directory: string,
  existingOwner: { uid: number; gid: number } | null,
): Promise<PostgresAccount> {
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  const candidates =
    uid === 0 && process.platform !== 'win32'
      ? rootAccounts(existingOwner)
      : selfAccounts(uid, gid);
  for (const account of candidates) {
    if (await works(account, binDir, directory)) return account;
  }
  throw new DatabaseStartError(
    'not-as-root',
    uid === 0
      ? `PostgreSQL refuses to run as root and an ordinary user cannot enter ${directory} or ${binDir}; ` +
          'start Trunkline as an ordinary user, move it to a folder that every user can enter ' +
          '(such as /opt or /srv), or set DATABASE_URL'
      : `the programs in ${binDir} do not run on ${directory}; check the permissions of both, or set DATABASE_URL`,
  );
}

function selfAccounts(uid: number, gid: number): PostgresAccount[] {
  const self = { name: 'self', spawnOptions: {}, ownerUid: uid, ownerGid: gid } as const;
  return [
    { ...self, prefix: ['setpriv', '--pdeathsig', 'INT'], diesWithParent: true },
    { ...self, prefix: [], diesWithParent: false },
  ];
}

function rootAccounts(existingOwner: { uid: number; gid: number } | null): PostgresAccount[] {
  const nobody = { uid: NOBODY_ID, gid: NOBODY_ID };
  // A directory that an ordinary user made stays that user's.
  const owner = existingOwner && existingOwner.uid !== 0 ? existingOwner : nobody;
  const drop = [
    'setpriv',
    `--reuid=${owner.uid}`,
    `--regid=${owner.gid}`,
    '--clear-groups',
    '--pdeathsig',
    'INT',
  ];
  const asOwner = { spawnOptions: {}, ownerUid: owner.uid, ownerGid: owner.gid } as const;
  return [
    { ...asOwner, name: 'owner', prefix: drop, diesWithParent: true },
    {
      name: 'user-namespace',
      // The signal is asked for inside: the kernel forgets it when a process enters a namespace.
      prefix: [
        'unshare',
        '-U',
        `--map-user=${NAMESPACE_ID}`,
        `--map-group=${NAMESPACE_ID}`,
        'setpriv',
        '--pdeathsig',
        'INT',
      ],
      spawnOptions: {},
      ownerUid: 0,
      ownerGid: 0,
      diesWithParent: true,
    },
    {
      ...asOwner,
      // Containers forbid namespaces but leave root this capability, which opens closed parents.
      name: 'owner-with-capability',
      prefix: [...drop, '--inh-caps=+dac_override', '--ambient-caps=+dac_override'],
      diesWithParent: true,
    },
    {
      ...asOwner,
      name: 'owner',
      prefix: [],
      spawnOptions: { uid: owner.uid, gid: owner.gid },
      diesWithParent: false,
    },
  ];
}

/**
 * Runs the real program as that account from that directory: a parent that it cannot enter shows
 * either as EACCES or as a library that is not found, and both fail here.
 */
async function works(
  account: PostgresAccount,
  binDir: string,
  directory: string,
): Promise<boolean> {
  const script = 'cd "$1" && "$2" --version && "$3" --version';
  const command = [
    'sh',
    '-c',
    script,
    'sh',
    directory,
    join(binDir, 'initdb'),
    join(binDir, 'postgres'),
  ];
  const [program, ...args] = [...account.prefix, ...command];
  try {
    await run(program as string, args, { ...account.spawnOptions, cwd: '/', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
