#pragma once

#include <archive.h>
#include <curl/curl.h>
