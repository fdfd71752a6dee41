<?php
declare(strict_types=1);
require __DIR__ . '/../tito.php';
header('content-type: application/json');
echo json_encode([...read_json('version.json'), 'workers' => (int) setting('workers', '8'), 'travelTimes' => setting('google_key') !== '' ? 'Google Routes API' : 'data set']);
