<?php
// Asked every second by the load balancer: it neither reads nor writes the database.
header('content-type: text/plain');
echo "well\n";
