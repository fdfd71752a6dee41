import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../src/core/json.ts';
import type { Applied, Command, Document, NewCommand, Node, Store, Transition } from '../src/store/store.ts';

/** A database of its own for each sentence, which nodes open. */
export interface Room {
  open(node: Node): Promise<Store>;
  /** After all that opened it have closed. */
  close(): Promise<void>;
}

/** What must hold of every store. */
export function storeConformance(newRoom: () => Promise<Room>, skip?: string): void {
  const holds = (sentence: string, check: (store: Store, open: (name: string) => Promise<Store>) => Promise<void>) => {
    test(sentence, { skip }, async () => {
      const room = await newRoom();
      const opened: Store[] = [];
      const open = async (name: string) => {
        opened.push(await room.open({ name, host: name }));
        return opened.at(-1)!;
      };
      try {
        await check(await open('here'), open);
      } finally {
        for (const store of opened) await store.close();
        await room.close();
      }
    });
  };

  holds('a transition writes state, events, commands, documents and log together', async (store) => {
    const { result } = await store.apply({
      ...aggregate('run-1', 0, { step: 1 }, [{ type: 'created' }, { type: 'started' }]),
      commands: [command('a', { due: 5 })],
      documents: [document('pipeline', 'p1')],
      log: [{ stream: 'log', offset: 0, text: 'hello' }],
    });

    assert.equal(result, 'applied');
    assert.deepEqual(await store.load('execution', 'run-1'), { state: { step: 1 }, version: 1 });
    assert.deepEqual(
      (await store.events(0, 10)).map(({ sequence, aggregate: id, body }) => [sequence, id, body.type]),
      [
        [1, 'run-1', 'created'],
        [2, 'run-1', 'started'],
      ],
    );
    assert.equal(await nextDue(store), 5);
    assert.equal((await store.get('pipeline', 'p1'))?.name, 'p1');
    assert.equal((await store.readLog('log', 0)).text, 'hello');
  });

  holds('a transition on an old version is a conflict and writes nothing', async (store) => {
    await store.apply(aggregate('run-1', 0, { step: 1 }));
    await store.apply(aggregate('run-1', 1, { step: 2 }));
    const { result } = await store.apply({
      ...aggregate('run-1', 1, { step: 99 }, [{ type: 'never' }]),
      commands: [command('never')],
      documents: [document('pipeline', 'never')],
    });

    assert.equal(result, 'conflict');
    assert.deepEqual(await store.load('execution', 'run-1'), { state: { step: 2 }, version: 2 });
    assert.deepEqual(await store.events(0, 10), []);
    assert.equal(await nextDue(store), undefined);
    assert.equal(await store.get('pipeline', 'never'), undefined);
  });

  holds('what is fixed at the creation of an aggregate is read with every later state', async (store) => {
    const [created] = aggregate('run-1', 0, { step: 1 }).aggregates;
    await store.apply({ ...nothing, aggregates: [{ ...created!, fixed: { plan: ['a', 'b'] } }] });
    await store.apply(aggregate('run-1', 1, { step: 2 }));

    assert.deepEqual(await store.load('execution', 'run-1'), { state: { plan: ['a', 'b'], step: 2 }, version: 2 });
  });

  holds('creating what exists is a conflict', async (store) => {
    await store.apply(aggregate('run-1', 0, { step: 1 }));

    assert.equal((await store.apply(aggregate('run-1', 0, { step: 7 }))).result, 'conflict');
  });

  holds('of transitions applied at the same moment a refused one takes nothing with it', async (store) => {
    const results = await Promise.all([
      store.apply(aggregate('run-1', 0, {})),
      store.apply(aggregate('run-1', 0, {})),
      store.apply(aggregate('run-2', 0, {})),
    ]);

    assert.deepEqual(
      results.map(({ result }) => result),
      ['applied', 'conflict', 'applied'],
    );
  });

  holds(
    'each of those applied at the same moment is told what became of it, whatever became of the others',
    async (store) => {
      await store.apply(aggregate('old', 0, { v: 1 }));
      const [held] = await ask(store, command('held', { due: 0 }));
      const settles = { command: held!.id, fence: held!.fence };
      const record = { ...document('event', 'e1'), body: { odd: 'as it is' } };
      const ended = await Promise.allSettled([
        store.apply({ ...aggregate('a', 0, {}, [{ n: 'a' }]), documents: [record] }),
        store.apply(aggregate('old', 0, {}, [{ n: 'again' }])),
        store.apply({ ...aggregate('b', 0, {}, [{ n: 'b' }]), settles: { ...settles, fence: 7 } }),
        store.apply({ ...aggregate('c', 0, {}, [{ n: 'c' }]), documents: [record], settles }),
        store.apply({ ...aggregate('d', 0, {}, [{ n: 'd' }]), settles }),
        store.apply(aggregate('old', 1, { v: 2 }, [{ n: 'old' }])),
        store.apply(aggregate('old', 1, { v: 3 }, [{ n: 'late' }])),
        store.apply(aggregate('e', 0, {}, [{ n: 'e' }])),
      ]);

      assert.deepEqual(
        ended.map((one) => (one.status === 'fulfilled' ? one.value.result : String(one.reason))),
        ['applied', 'conflict', 'fenced', 'applied', 'fenced', 'applied', 'conflict', 'applied'],
      );
      assert.deepEqual((await store.events(0, 20)).map(({ body }) => body.n).toSorted(), ['a', 'c', 'e', 'old']);
      assert.deepEqual(await store.load('execution', 'old'), { state: { v: 2 }, version: 2 });
    },
  );

  holds('summaries are listed newest first and keep their place when they change', async (store) => {
    for (const id of ['a', 'b', 'c']) await store.apply(aggregate(id, 0, { id }));
    await store.apply(aggregate('a', 1, { id: 'a', changed: true }));

    assert.deepEqual(await store.summaries('execution'), [{ id: 'c' }, { id: 'b' }, { id: 'a', changed: true }]);
    assert.deepEqual(await store.summaries('deployment'), []);
  });

  holds('summaries are counted and read by pages', async (store) => {
    for (const id of ['a', 'b', 'c']) await store.apply(aggregate(id, 0, { id }));

    assert.deepEqual(await store.summaries('execution', { skip: 1, limit: 1 }), [{ id: 'b' }]);
    assert.deepEqual(await store.summaries('execution', { skip: 2, limit: 9 }), [{ id: 'a' }]);
    assert.deepEqual([await store.count('execution'), await store.count('deployment')], [3, 0]);
  });

  holds('a node that has opened the store is known by name and machine', async (store) => {
    const [known] = await store.nodes();

    assert.deepEqual([known?.name, known?.host], ['here', 'here']);
    assert.ok(Math.abs(known!.since - store.now()) < 60_000);
  });

  holds('a command is claimed when it is due, once, with a raised fence', async (store) => {
    await ask(store, command('late', { due: 100 }), command('soon', { due: 10 }));

    assert.deepEqual(await claim(store, 9, 10), []);
    const [first] = await claim(store, 50, 10);
    assert.deepEqual([first?.key, first?.fence, first?.tries], ['soon', 1, 1]);
    assert.deepEqual(await claim(store, 50, 10), []);
    assert.equal(await nextDue(store), 100);
  });

  holds('a command due at once comes back claimed with the commit that asked for it', async (store) => {
    const claimed = await ask(store, command('now', { due: 0 }));

    assert.deepEqual(
      claimed.map(({ key, fence, tries }) => [key, fence, tries]),
      [['now', 1, 1]],
    );
    assert.deepEqual(await claim(store, 1000, 10), []);
  });

  holds('the first command of an empty lane comes back claimed as well, and those behind it wait', async (store) => {
    const claimed = await ask(store, command('a', { due: 0, lane: 'l' }), command('b', { due: 0, lane: 'l' }));
    const later = await ask(store, command('c', { due: 0, lane: 'l' }));

    assert.deepEqual(
      [...claimed, ...later].map(({ key }) => key),
      ['a'],
    );
    const settle = async (command: Command) => {
      const applied = await store.apply({ ...nothing, settles: { command: command.id, fence: command.fence } });
      return applied.result === 'applied' ? applied.claimed : [];
    };
    const [b, ...others] = await settle(claimed[0]!);
    assert.deepEqual([b!.key, b!.fence, b!.tries, b!.lane, others], ['b', 1, 1, 'l', []], 'it is handed the next');
    assert.deepEqual(await claim(store, 10, 10), []);
    const [c] = await settle(b!);
    assert.equal(c?.key, 'c');
    assert.deepEqual(await settle(c!), []);
  });

  holds('the same command asked for twice is one row', async (store) => {
    await ask(store, command('a', { due: 5, body: { first: true } }));
    await ask(store, command('a', { due: 5, body: { first: false } }));
    const claimed = await claim(store, 10, 10);

    assert.deepEqual(
      claimed.map(({ body }) => body),
      [{ first: true }],
    );
  });

  holds('a settled command is gone, and its result is written with it', async (store) => {
    const [claimed] = await ask(store, command('a', { due: 0 }));
    const settled = { settles: { command: claimed!.id, fence: claimed!.fence } };

    assert.equal((await store.apply({ ...aggregate('run-1', 0, {}), ...settled })).result, 'applied');
    await store.release('here');
    assert.deepEqual(await claim(store, 1000, 10), []);
  });

  holds('a result with an older fence is refused, since somebody else has taken over', async (store, open) => {
    const [first] = await ask(store, command('a', { due: 0 }));
    await store.release('here');
    const [second] = await claim(await open('there'), 1000, 10);
    assert.deepEqual([second?.fence, second?.tries], [2, 2]);

    const late = await store.apply({
      ...aggregate('run-1', 0, {}),
      settles: { command: first!.id, fence: first!.fence },
    });
    assert.equal(late.result, 'fenced');
    assert.equal(await store.load('execution', 'run-1'), undefined);
    const good = await store.apply({
      ...aggregate('run-1', 0, {}),
      settles: { command: second!.id, fence: second!.fence },
    });
    assert.equal(good.result, 'applied');
  });

  holds('release gives back what one node held, and leaves the others theirs', async (store, open) => {
    await ask(store, command('a', { due: 1 }), command('b', { due: 2 }));
    await claim(await open('dead'), 1, 1);
    await claim(await open('living'), 5, 1);
    await store.release('dead');

    assert.deepEqual(
      (await claim(store, 10, 10)).map(({ key }) => key),
      ['a'],
    );
  });

  holds(
    'a command may be put off with a new body; its tries start afresh unless they are to be kept',
    async (store) => {
      const [claimed] = await ask(store, command('a', { due: 0 }));
      await store.apply({
        ...nothing,
        settles: { command: claimed!.id, fence: 1, again: { due: 50, body: { ticket: 7 } } },
      });
      const [again] = await claim(store, 50, 10);
      assert.deepEqual([again?.body, again?.fence, again?.tries], [{ ticket: 7 }, 2, 1]);

      await store.apply({
        ...nothing,
        settles: { command: again!.id, fence: 2, again: { due: 60, body: {}, keepTries: true } },
      });
      assert.equal((await claim(store, 60, 10))[0]?.tries, 2);
    },
  );

  holds('commands of one lane run one after the other, in the order in which they were asked for', async (store) => {
    await ask(
      store,
      command('a', { due: 9, lane: 'l' }),
      command('b', { due: 1, lane: 'l' }),
      command('c', { due: 1, lane: 'm' }),
    );

    assert.deepEqual(
      (await claim(store, 5, 10)).map(({ key }) => key),
      ['c'],
    );
    const [first] = await claim(store, 10, 10);
    assert.equal(first?.key, 'a');
    assert.deepEqual(await claim(store, 10, 10), []);
    await store.apply({ ...nothing, settles: { command: first!.id, fence: first!.fence } });
    assert.deepEqual(
      (await claim(store, 10, 10)).map(({ key }) => key),
      ['b'],
    );
  });

  holds('claiming keeps to its limit, the longest due first', async (store) => {
    await ask(store, command('b', { due: 2 }), command('a', { due: 1 }), command('c', { due: 3 }));

    assert.deepEqual(
      (await claim(store, 10, 2)).map(({ key }) => key),
      ['a', 'b'],
    );
  });

  holds('each project gets its turn when work is claimed, however much another has due', async (store) => {
    const busy = Array.from({ length: 20 }, (_, index) => command(`busy ${index}`, { due: 1, project: 'busy' }));
    await ask(store, ...busy, command('quiet 0', { due: 5, project: 'quiet' }), command('own', { due: 5 }));

    const claimed = await claim(store, 10, 4, { perProject: 2, crowded: [] });
    assert.deepEqual(claimed.map(({ key }) => key).sort(), ['busy 0', 'busy 1', 'own', 'quiet 0']);
    assert.deepEqual(await claim(store, 10, 4, { perProject: 2, crowded: ['busy'] }), []);
    assert.equal((await claim(store, 10, 9, { perProject: 3, crowded: [] })).length, 3);
  });

  holds('a command that is bound to a machine is left to the nodes there', async (store, open) => {
    const [now] = await ask(store, command('now', { due: 0, host: 'here' }), command('far', { due: 0, host: 'away' }));
    assert.equal(now?.key, 'now');

    assert.deepEqual(await claim(store, 10, 10), []);
    assert.deepEqual(
      (await claim(await open('away'), 10, 10)).map(({ key }) => key),
      ['far'],
    );
  });

  holds('hastening makes due what its prefix names, and nothing else', async (store) => {
    await ask(
      store,
      command('run-1/a', { due: 100 }),
      command('run-10/a', { due: 100 }),
      command('run-2/a', { due: 100 }),
    );
    await store.hasten('run-1/', 5);

    assert.deepEqual(
      (await claim(store, 5, 10)).map(({ key }) => key),
      ['run-1/a'],
    );
  });

  holds('events are read from a cursor on, of all aggregates or of one', async (store) => {
    await store.apply(aggregate('a', 0, {}, [{ n: 1 }]));
    await store.apply(aggregate('b', 0, {}, [{ n: 2 }]));
    await store.apply(aggregate('a', 1, {}, [{ n: 3 }]));

    assert.deepEqual(
      (await store.events(1, 10)).map(({ body }) => body.n),
      [2, 3],
    );
    assert.deepEqual(
      (await store.events(0, 10, 'a')).map(({ body }) => body.n),
      [1, 3],
    );
    assert.deepEqual(
      (await store.events(0, 1)).map(({ body }) => body.n),
      [1],
    );
    assert.equal(await store.lastSequence(), 3);
  });

  holds('documents are kept by kind and id, found by project and name, and listed by name', async (store) => {
    await store.put(document('pipeline', 'p2', 'b'));
    await store.put(document('pipeline', 'p1', 'a'));
    await store.put(document('endpoint', 'e1', 'a'));

    assert.equal((await store.find('pipeline', 'Tito', 'b'))?.id, 'p2');
    assert.equal(await store.find('pipeline', 'Other', 'b'), undefined);
    assert.deepEqual(
      (await store.list('pipeline')).map(({ name }) => name),
      ['a', 'b'],
    );
    await store.put({ ...document('pipeline', 'p3', 'c'), project: 'Other' });
    const lists = [store.list('pipeline'), store.list('endpoint'), store.list('pipeline', 'Other'), store.list('none')];
    assert.deepEqual(
      (await Promise.all(lists)).map((list) => list.map(({ id }) => id)),
      [['p1', 'p2', 'p3'], ['e1'], ['p3'], []],
    );
    await store.remove('pipeline', 'p1');
    assert.equal(await store.get('pipeline', 'p1'), undefined);
  });

  holds(
    'one change may be the end of several commands, or of none where one of them has been taken over',
    async (store) => {
      const made = ['a', 'b', 'c', 'd'].map((key) => command(key, { due: 0, lane: key < 'c' ? 'one' : '' }));
      const [first, third, fourth] = (await ask(store, ...made)).map(({ id, fence }) => ({ command: id, fence }));
      const ends = { ...nothing, settles: first!, alsoSettles: [third!, fourth!] };
      const late = await store.apply({ ...ends, alsoSettles: [third!, { ...fourth!, fence: 7 }] });
      const ended = await store.apply(ends);

      assert.equal(late.result, 'fenced');
      assert.ok(ended.result === 'applied');
      assert.deepEqual(
        ended.claimed.map(({ key }) => key),
        ['b'],
        'the next of its lane',
      );
      assert.equal((await store.apply({ ...nothing, settles: third! })).result, 'fenced');
    },
  );

  holds(
    'what a transition wants comes with its answer where the store brings it, as a list would say',
    async (store) => {
      await store.put(document('variable', 'v2', 'b'));
      await store.put(document('variable', 'v1', 'a'));
      await store.put({ ...document('variable', 'v3', 'c'), project: 'Other' });
      const projects = ['Tito', 'Other', 'Nobody', 'Tito'];
      const applied = await Promise.all(
        projects.map((project, number) =>
          store.apply({ ...aggregate(`run ${number}`, 0, {}), wants: { kind: 'variable', project } }),
        ),
      );

      for (const [number, one] of applied.entries()) {
        assert.ok(one.result === 'applied');
        if (store.isShared) assert.ok(one.listed);
        if (one.listed) assert.deepEqual(one.listed, await store.list('variable', projects[number]));
      }
    },
  );

  holds('what many ask for at the same moment is answered to each', async (store) => {
    const numbers = Array.from({ length: 300 }, (_, index) => index);
    await Promise.all(numbers.map((number) => store.put(document('pipeline', `p${number}`, `n${number}`))));
    await Promise.all(numbers.map((number) => store.apply(aggregate(`run ${number}`, 0, { number }))));
    const [got, found, loaded, named, listed] = await Promise.all([
      Promise.all(numbers.map((number) => store.get('pipeline', `p${number % 150}`))),
      Promise.all(numbers.map((number) => store.find('pipeline', 'Tito', `n${number}`))),
      Promise.all(numbers.map((number) => store.load('execution', `run ${number - 1}`))),
      Promise.all([1, 2, 3].map(() => store.names(['pipeline', 'endpoint'], 'Tito'))),
      Promise.all(['endpoint', 'pipeline', 'endpoint'].map((kind) => store.list(kind, 'Tito'))),
    ]);
    assert.deepEqual(
      got.map((one) => one?.id),
      numbers.map((number) => `p${number % 150}`),
    );
    assert.deepEqual(
      found.map((one) => one?.id),
      numbers.map((number) => `p${number}`),
    );
    assert.deepEqual(
      loaded,
      numbers.map((number) => (number === 0 ? undefined : { state: { number: number - 1 }, version: 1 })),
    );
    assert.deepEqual(
      [...named.flatMap(({ pipeline, endpoint }) => [pipeline, endpoint]), ...listed].map(({ length }) => length),
      [300, 0, 300, 0, 300, 0, 0, 300, 0],
    );
  });

  holds('what was read before is read as it is now, however it was written since', async (store) => {
    const read = async () => {
      const [got, found, list, ofProject, names] = await Promise.all([
        store.get('pipeline', 'p1'),
        store.find('pipeline', 'Tito', 'a'),
        store.list('pipeline'),
        store.list('pipeline', 'Tito'),
        store.names(['pipeline'], 'Tito'),
      ]);
      return [got?.body.n, found?.body.n, list.length, ofProject.length, names.pipeline.length];
    };
    assert.deepEqual(await read(), [undefined, undefined, 0, 0, 0]);
    await store.insert({ ...document('pipeline', 'p1', 'a'), body: { n: 1 } });
    assert.deepEqual(await read(), [1, 1, 1, 1, 1]);
    await store.put({ ...document('pipeline', 'p1', 'a'), body: { n: 2 } });
    assert.deepEqual(await read(), [2, 2, 1, 1, 1]);
    await store.apply({ ...nothing, documents: [{ ...document('pipeline', 'p1', 'a'), body: { n: 3 } }] });
    assert.deepEqual(await read(), [3, 3, 1, 1, 1]);
    await store.apply({
      ...aggregate('run-1', 7, {}),
      documents: [{ ...document('pipeline', 'p1', 'a'), body: { n: 4 } }],
    });
    assert.deepEqual(await read(), [3, 3, 1, 1, 1], 'a refused change leaves nothing behind');
    await store.remove('pipeline', 'p1');
    assert.deepEqual(await read(), [undefined, undefined, 0, 0, 0]);
  });

  holds('a project may use names of its own, and of what is there for all', async (store) => {
    await store.put(document('pipeline', 'p1', 'own'));
    for (const [name, global] of [
      ['shared', true],
      ['foreign', false],
    ] as const)
      await store.put({ ...document('pipeline', name, name), project: 'Other', body: { global } });
    await store.put(document('endpoint', 'e1', 'an endpoint'));

    assert.deepEqual(await store.names(['pipeline', 'endpoint', 'variable'], 'Tito'), {
      ...{ pipeline: ['own', 'shared'], endpoint: ['an endpoint'], variable: [] },
    });
    assert.deepEqual(await store.names(['pipeline'], 'Nowhere'), { pipeline: ['shared'] });
  });

  holds('putting again changes a document and keeps when it was made', async (store) => {
    await store.put(document('pipeline', 'p1', 'a'));
    await store.put({ ...document('pipeline', 'p1', 'renamed'), createdAt: 999, updatedAt: 1000 });
    const kept = await store.get('pipeline', 'p1');

    assert.deepEqual([kept?.name, kept?.createdAt, kept?.updatedAt], ['renamed', 1, 1000]);
  });

  holds('inserting where the name is taken says no and changes nothing', async (store) => {
    assert.equal(await store.insert(document('pipeline', 'p1', 'a')), true);
    assert.equal(await store.insert(document('pipeline', 'p2', 'a')), false);
    assert.equal(await store.insert(document('pipeline', 'p3', 'b')), true);
    assert.equal(await store.get('pipeline', 'p2'), undefined);
  });

  holds('a counter gives each number once, also when asked at the same moment', async (store) => {
    const numbers = await Promise.all(Array.from({ length: 20 }, () => store.next('pipeline/p1')));

    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    assert.equal(await store.next('pipeline/p2'), 1);
  });

  holds('a log takes each byte once, whatever is sent again', async (store) => {
    await store.appendLog('log', 0, 'abc');
    await store.appendLog('log', 0, 'abcdef');
    await store.appendLog('log', 3, 'def');
    await store.appendLog('log', 6, 'é!');

    assert.deepEqual(await store.readLog('log', 0), { text: 'abcdefé!', size: 9 });
    assert.deepEqual(await store.readLog('log', 4), { text: 'efé!', size: 9 });
    assert.equal(await store.logSize('log'), 9);
    assert.deepEqual(await store.readLog('none', 0), { text: '', size: 0 });
  });

  holds('an aggregate that owes nothing is forgotten with its events and logs, and no other is', async (store) => {
    await store.apply(aggregate('run-1', 0, { n: 1 }, [{ n: 1 }]));
    await store.apply(aggregate('run-10', 0, { n: 2 }, [{ n: 2 }]));
    for (const id of ['run-1', 'run-10']) await store.appendLog(`${id}/Stage.Task/1`, 0, id);
    const [owed] = await ask(store, command('work', { due: 0 }));
    assert.equal(await store.erase('execution', 'run-1'), false);
    await store.apply({ ...nothing, settles: { command: owed!.id, fence: owed!.fence } });

    assert.equal(await store.erase('execution', 'run-1'), true);
    assert.equal(await store.load('execution', 'run-1'), undefined);
    assert.deepEqual((await store.summaries('execution')).length, 1);
    assert.equal((await store.readLog('run-1/Stage.Task/1', 0)).text, '');
    assert.equal((await store.readLog('run-10/Stage.Task/1', 0)).text, 'run-10');
    assert.deepEqual(
      (await store.events(0, 10)).map(({ aggregate }) => aggregate),
      ['run-10'],
    );
    assert.equal(await store.erase('execution', 'run-1'), false);
  });

  holds('texts that would break a careless query are kept as they are', async (store) => {
    const odd = `'; DROP TABLE events; -- " \\ \u0001 😀`;
    await store.put({ ...document('pipeline', odd, odd), body: { odd } });
    await store.appendLog(odd, 0, odd);

    assert.equal((await store.find('pipeline', 'Tito', odd))?.body.odd, odd);
    assert.equal((await store.readLog(odd, 0)).text, odd);
  });
}

const nothing: Transition = { aggregates: [], commands: [] };

function aggregate(id: string, version: number, state: JsonObject, events: JsonObject[] = []): Transition {
  return { ...nothing, aggregates: [{ kind: 'execution', id, version, state, summary: state, events }] };
}

const command = (key: string, given: Partial<NewCommand> = {}): NewCommand => ({
  key,
  kind: 'execution',
  aggregate: 'run-1',
  lane: '',
  project: '',
  host: '',
  body: {},
  due: 1,
  ...given,
});

const document = (kind: string, id: string, name = id): Document => ({
  kind,
  id,
  project: 'Tito',
  name,
  body: {},
  createdAt: 1,
  updatedAt: 1,
});

const claim = async (store: Store, ...how: Parameters<Store['claim']>) => (await store.claim(...how)).commands;
const nextDue = async (store: Store) => (await store.claim(0, 0)).next;

async function ask(store: Store, ...commands: NewCommand[]) {
  const applied: Applied = await store.apply({ ...nothing, commands });
  assert.equal(applied.result, 'applied');
  return applied.result === 'applied' ? applied.claimed : [];
}
