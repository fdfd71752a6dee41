<?php
// What Tito knows and asks, on Apache and PHP: travel times, and the journeys in MariaDB.
declare(strict_types=1);

const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'];
const FIRST_QUARTER = 26;
const LAST_QUARTER = 41;

/** A setting that the machine was given, from /etc/tito.ini. */
function setting(string $name, string $otherwise = ''): string
{
    static $settings = null;
    $settings ??= is_readable('/etc/tito.ini') ? parse_ini_file('/etc/tito.ini') : [];
    return (string) ($settings[$name] ?? $otherwise);
}

function read_json(string $name): array
{
    return json_decode(file_get_contents(__DIR__ . "/../app/$name"), true, 32, JSON_THROW_ON_ERROR);
}

/** The best and the worst quarter of an hour to leave, and the curve between. Quarters count from midnight. */
function best_time(string $home, string $work, string $weekday): array
{
    if (!in_array($weekday, WEEKDAYS, true)) {
        throw new InvalidArgumentException("$weekday is no working day.");
    }
    $curve = setting('google_key') !== '' ? google_times($home, $work, $weekday) : known_times($home, $work, $weekday);
    asort($curve);
    $best = array_key_first($curve);
    $worst = array_key_last($curve);
    ksort($curve);
    return ['best' => $best, 'worst' => $worst, 'curve' => $curve];
}

/** Minutes by quarter, from the data set that ships with Tito. */
function known_times(string $home, string $work, string $weekday): array
{
    $data = read_json('travel-times.json');
    $free = $data['freeFlowMinutes'][$home][$work] ?? throw new InvalidArgumentException("No travel times are known from $home to $work.");
    $curve = [];
    foreach (range(FIRST_QUARTER, LAST_QUARTER) as $quarter) {
        $curve[$quarter] = (int) round($free * $data['congestion'][$weekday][$quarter]);
    }
    return $curve;
}

/** Minutes by quarter, from the Google Routes API: one call for each departure, all at once. */
function google_times(string $home, string $work, string $weekday): array
{
    $day = new DateTimeImmutable("next $weekday");
    $calls = curl_multi_init();
    $asked = [];
    foreach (range(FIRST_QUARTER, LAST_QUARTER) as $quarter) {
        $call = curl_init(setting('google_url', 'https://routes.googleapis.com') . '/directions/v2:computeRoutes');
        curl_setopt_array($call, [
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_TIMEOUT => 5,
            CURLOPT_HTTPHEADER => ['content-type: application/json', 'x-goog-api-key: ' . setting('google_key'), 'x-goog-fieldmask: routes.duration'],
            CURLOPT_POSTFIELDS => json_encode([
                'origin' => ['address' => $home],
                'destination' => ['address' => $work],
                'travelMode' => 'DRIVE',
                'routingPreference' => 'TRAFFIC_AWARE_OPTIMAL',
                'trafficModel' => 'PESSIMISTIC',
                'departureTime' => $day->setTime(intdiv($quarter, 4), $quarter % 4 * 15)->format(DATE_ATOM),
            ]),
        ]);
        curl_multi_add_handle($calls, $call);
        $asked[$quarter] = $call;
    }
    do {
        curl_multi_exec($calls, $running);
    } while ($running > 0 && curl_multi_select($calls) !== -1);
    return array_map(function ($call) use ($home, $work): int {
        $answer = json_decode((string) curl_multi_getcontent($call), true);
        if (!preg_match('/^(\d+)s$/', $answer['routes'][0]['duration'] ?? '', $found)) {
            throw new RuntimeException($answer['error']['message'] ?? "Google knows no way from $home to $work.");
        }
        return (int) round((int) $found[1] / 60);
    }, $asked);
}

function format_time(int $quarter): string
{
    return sprintf('%02d:%02d', intdiv($quarter, 4), $quarter % 4 * 15);
}

function database(): PDO
{
    return new PDO('mysql:host=' . setting('database', '127.0.0.1') . ';dbname=tito;charset=utf8mb4', 'tito', setting('database_password'), [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION,
        PDO::ATTR_PERSISTENT => true,
        PDO::ATTR_TIMEOUT => 5,
    ]);
}

function remember_journey(string $home, string $work, string $weekday, string $best): void
{
    database()->prepare('INSERT INTO journeys (home, work, weekday, best) VALUES (?, ?, ?, ?)')->execute([$home, $work, $weekday, $best]);
}

function recent_journeys(): array
{
    return database()->query('SELECT home, work, weekday, best FROM journeys ORDER BY id DESC LIMIT 5')->fetchAll(PDO::FETCH_ASSOC);
}

function escaped(string|int $text): string
{
    return htmlspecialchars((string) $text, ENT_QUOTES | ENT_SUBSTITUTE);
}
