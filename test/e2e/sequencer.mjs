// Fixed order: the first file makes the cluster that most others share; what replaces the operator comes last. Any file also runs alone.
const FIRST = ['quickstart'];
const LAST = ['webhook', 'node-loss', 'operator-upgrade', 'helm'];

const rank = (path) => {
  const name = path.replace(/^.*\//, '').replace(/\.test\.ts$/, '');
  if (FIRST.includes(name)) return -1;
  return LAST.indexOf(name) + 1;
};

export default class Sequencer {
  sort(tests) {
    return [...tests].sort((a, b) => rank(a.path) - rank(b.path) || a.path.localeCompare(b.path));
  }

  shard(tests, { shardIndex, shardCount }) {
    return this.sort(tests).filter((_, i) => i % shardCount === shardIndex - 1);
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {
    // nothing is remembered between runs
  }
}
