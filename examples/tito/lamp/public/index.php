<?php
declare(strict_types=1);
require __DIR__ . '/../tito.php';

$home = (string) ($_GET['home'] ?? 'Haarlem');
$work = (string) ($_GET['work'] ?? 'Amsterdam Zuidas');
$weekday = (string) ($_GET['weekday'] ?? 'Tuesday');
try {
    $version = read_json('version.json');
    ['best' => $best, 'worst' => $worst, 'curve' => $curve] = best_time($home, $work, $weekday);
    $leave = format_time($best);
    if (isset($_GET['save'])) {
        remember_journey($home, $work, $weekday, $leave);
    }
    $journeys = recent_journeys();
} catch (Throwable $error) {
    http_response_code(502);
    header('content-type: text/plain; charset=utf-8');
    exit($error->getMessage() . "\n");
}
$isGoogle = setting('google_key') !== '';
$places = $isGoogle ? [] : read_json('travel-times.json')['places'];
$longest = max($curve);

/** Where any place will do, people write it. */
function choice(string $name, string $label, array $values, string $chosen): string
{
    $label = escaped($label);
    if ($values === []) {
        return "<label>$label<input name=\"$name\" value=\"" . escaped($chosen) . '" required></label>';
    }
    $options = array_map(
        fn (string $value): string => '<option' . ($value === $chosen ? ' selected' : '') . '>' . escaped($value) . '</option>',
        in_array($chosen, $values, true) ? $values : [$chosen, ...$values],
    );
    return "<label>$label<select name=\"$name\">" . implode('', $options) . '</select></label>';
}
?>
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tito <?= escaped($version['version']) ?>: the best time to drive to work</title>
<style>
:root { color-scheme: light dark; --accent: <?= escaped($version['accent']) ?>; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h1 small { font-size: 1rem; color: var(--accent); }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; margin: 1.5rem 0; }
label { display: grid; font-size: .85rem; } select, input, button { font: inherit; padding: .35rem .6rem; }
button { background: var(--accent); color: #fff; border: 0; border-radius: .3rem; }
#best { font-size: 1.6rem; } #best strong { color: var(--accent); }
.bars { display: flex; align-items: end; gap: 3px; height: 9rem; } .bars span { flex: 1; background: #8884; border-radius: 2px 2px 0 0; }
.bars .chosen { background: var(--accent); } figure { margin: 0; } figcaption { font-size: .8rem; opacity: .75; }
</style>
</head>
<body>
<h1>Tito <small id="version"><?= escaped($version['version']) ?></small></h1>
<p>The best time to drive to work.</p>
<form method="get">
<?= choice('home', 'Home', array_slice($places, 0, 5), $home) ?>
<?= choice('work', 'Work', array_slice($places, 5), $work) ?>
<?= choice('weekday', 'Day', WEEKDAYS, $weekday) ?>
<button name="save" value="yes">When shall I leave?</button>
</form>
<p id="best">Leave at <strong><?= escaped($leave) ?></strong>: <?= $curve[$best] ?> minutes on the road.</p>
<p>At <?= format_time($worst) ?> it would take <?= $curve[$worst] ?>.</p>
<figure>
<div class="bars" role="img" aria-label="Minutes on the road by the time of leaving">
<?php foreach ($curve as $quarter => $minutes): ?>
<span style="height:<?= round($minutes / $longest * 100) ?>%"<?= $quarter === $best ? ' class="chosen"' : '' ?> title="<?= format_time($quarter) ?>: <?= $minutes ?> min"></span>
<?php endforeach ?>
</div>
<figcaption><?= format_time(array_key_first($curve)) ?> to <?= format_time(array_key_last($curve)) ?> · travel times: <?= $isGoogle ? 'Google Routes API' : 'data set' ?></figcaption>
</figure>
<h2>Asked lately</h2>
<ul id="journeys"><?php foreach ($journeys as $one): ?><li><?= escaped("{$one['home']} to {$one['work']} on {$one['weekday']}: {$one['best']}") ?></li><?php endforeach ?></ul>
</body>
</html>
